set local search_path = tieout;
-- Deliveries and their attempts, what each entry went into, and what waits to become a journal.

-- Accepted entries (by id range) that wait to be put into journals. Rows are claimed and deleted by time_to_bill.
create table posting_pending (
    pending_id     bigint generated always as identity primary key,
    first_entry_id bigint not null,
    last_entry_id  bigint not null
);

create sequence delivery_id_seq;

-- state: ready | intent | sent | in_doubt | posted | rejected | dead | held | split | recut
--   intent: durable before the call; sent: the call began; in_doubt: no answer, waits out quarantine_until, then looked up;
--   rejected/dead/held: on the desk, order_key parked; split: replaced by its children; recut: taken apart, entries wait again.
-- Within an order_key deliveries go by (order_no, delivery_id); the parts of a split one keep the place of the whole.
-- document_period is the period of the work, accounting_date/period where it is posted; late marks a difference.
create table delivery (
    delivery_id         bigint primary key,
    parent_id           bigint,
    system              text not null,
    command_kind        text not null,
    key                 text not null unique,
    reference           text not null unique,
    fingerprint         bytea not null,
    order_key           text not null,
    order_no            bigint not null,
    entity_id           integer not null,
    project_id          integer,
    accounting_date     date not null,
    late                boolean not null,
    currency            smallint not null,
    functional_currency smallint not null,
    entry_count         integer not null,
    hours               numeric(14, 4) not null,
    amount_minor        bigint not null,
    cost_minor          bigint not null,
    state               text not null,
    attempts            smallint not null default 0,
    due_at              timestamptz not null,
    epoch               bigint,
    intent_at           timestamptz,
    quarantine_until    timestamptz,
    target_ref          text,
    code                text,
    words               text,
    created_at          timestamptz not null,
    updated_at          timestamptz not null
);
create index delivery_open on delivery (system, order_key, order_no, delivery_id) where state not in ('posted', 'split', 'recut');

create table delivery_command (
    delivery_id bigint primary key,
    command     bytea not null
);

create table delivery_attempt (
    attempt_id  bigint generated always as identity primary key,
    delivery_id bigint not null,
    kind        text not null,
    epoch       bigint not null,
    started_at  timestamptz not null,
    finished_at timestamptz not null,
    outcome     text not null,
    code        text,
    words       text
);
create index delivery_attempt_delivery on delivery_attempt (delivery_id);

-- Where an entry's money went: one row at most. delivery_id 0: superseded before it was put into a journal.
create table posting_link (
    entry_id    bigint primary key,
    delivery_id bigint not null
);
create index posting_link_delivery on posting_link (delivery_id);

create table circuit (
    system     text primary key,
    state      text not null,
    failures   integer not null,
    opened_at  timestamptz,
    probe_at   timestamptz,
    reason     text,
    updated_at timestamptz not null
);
create index delivery_ready on delivery (system, delivery_id) where state = 'ready';
-- What is under way or in doubt is looked for ten times a second, among all that was ever delivered.
create index delivery_under_way on delivery (system, state, delivery_id) where state in ('intent', 'in_doubt');
