set local search_path = tieout;
-- Masters are delivered as journals are, and deals that were won become projects.

-- A delivery of a master (every command but post_journal) has no day, no currency and no entries.
-- state, beside those of 0006: excluded: a person gave it up; superseded: a newer one took its place before it was sent.
alter table delivery alter column accounting_date drop not null;
alter table delivery alter column currency drop not null;
alter table delivery alter column functional_currency drop not null;
alter table delivery add constraint delivery_journal check (
    (command_kind = 'post_journal')
    = (accounting_date is not null and currency is not null and functional_currency is not null));
drop index delivery_open;
create index delivery_open on delivery (system, order_key, order_no, delivery_id)
    where state not in ('posted', 'split', 'recut', 'excluded', 'superseded');

-- How far a stream has read the events of records. firm_version: the version by which everything was read last.
-- read_on_from: while everything is read again, the record from which to go on.
create table stream_position (
    stream       text primary key,
    event_id     bigint not null,
    firm_version integer not null,
    read_on_from integer
);
insert into stream_position (stream, event_id, firm_version) values ('lead_to_project', 0, 0);

-- Streams follow changes of records; most events tell of other things.
create index event_log_record on event_log (event_id) where type in ('record.created', 'record.changed');
-- The lines of a deal, by the CRM and its key of the deal.
create index golden_record_deal_line on golden_record ((refs -> 'deal' ->> 0), (refs -> 'deal' ->> 1))
    where type = 'deal_line';

-- One row per project that deals became. state is one of model.project.ProjectState.
-- number: its place in the sequence of its legal entity, where codes are counted. halted: no deal of it is won any more.
create table provisioning (
    provisioning_id bigint generated always as identity primary key,
    entity_id       integer not null,
    code            text not null,
    number          integer,
    state           text not null,
    halted          boolean not null default false,
    created_at      timestamptz not null,
    activated_at    timestamptz,
    updated_at      timestamptz not null,
    unique (entity_id, code)
);

-- One row per deal that ever reached an approved stage; deal_id is its golden record.
-- state: held | awaiting_approval | accepted | moved_back | lost | withdrawn (moved back or lost before anything was made).
-- accepted: what it said when it was last accepted (streams.lead_to_project.deal.AcceptedDeal); terms: hash of what an
-- approval covers, of the version judged last. findings: what is wrong now. overruled: codes of findings that a person
-- overruled.
create table won_deal (
    deal_id         integer primary key,
    system          text not null,
    source_id       text not null,
    number          text not null,
    name            text not null,
    state           text not null,
    provisioning_id bigint,
    version         integer not null,
    client_id       integer,
    contract_id     integer,
    rate_card_id    integer,
    entity_id       integer,
    amount_minor    bigint,
    currency        smallint,
    owner_email     text,
    accepted        jsonb,
    terms           bytea,
    findings        jsonb not null,
    overruled       text[] not null default '{}',
    completeness    smallint not null,
    won_at          timestamptz not null,
    learned_at      timestamptz not null,
    valid_at        timestamptz,
    accepted_at     timestamptz,
    updated_at      timestamptz not null
);
create index won_deal_provisioning on won_deal (provisioning_id);
create index won_deal_client on won_deal (client_id);
create index won_deal_contract on won_deal (contract_id);
create index won_deal_rate_card on won_deal (rate_card_id);

create table deal_approval (
    approval_id bigint generated always as identity primary key,
    deal_id     integer not null,
    terms       bytea not null,
    actor       text not null,
    reason      text not null,
    approved_at timestamptz not null
);
create index deal_approval_deal on deal_approval (deal_id);

-- One row per object of a target that the stream keeps equal: a customer (which projects share), a project, a task, the
-- status of a project, the link of a deal. Contents are hashes of commands without their reference.
-- acknowledged: what the target has acknowledged; sent: what the delivery says that is under way or was last.
-- by_hand: a person excluded the delivery, having seen to the object himself.
create table provisioned_object (
    object_id    bigint generated always as identity primary key,
    system       text not null,
    kind         text not null,
    object_key   text not null,
    revision     integer not null default 0,
    delivery_id  bigint,
    open         boolean not null default false,
    sent         bytea,
    acknowledged bytea,
    by_hand      boolean not null default false,
    target_ref   text,
    unique (system, kind, object_key)
);
create index provisioned_object_open on provisioned_object (delivery_id) where open;

-- One row per step of a provisioning: an object that the project needs in one system. rank: the order of steps.
-- wanted: the content that was last wanted; current: whether the target has acknowledged just that.
-- started_at, done_at: when it was first sent and first acknowledged: the set-up, whatever was changed later.
create table provisioning_step (
    step_id         bigint generated always as identity primary key,
    provisioning_id bigint not null,
    object_id       bigint not null,
    rank            integer not null,
    wanted          bytea not null,
    current         boolean not null,
    started_at      timestamptz,
    done_at         timestamptz,
    unique (provisioning_id, object_id)
);
create index provisioning_step_object on provisioning_step (object_id);

-- Everything that was ever sent of an object.
create table provisioning_sending (
    object_id       bigint not null,
    revision        integer not null,
    delivery_id     bigint not null,
    provisioning_id bigint not null,
    sent_at         timestamptz not null,
    primary key (object_id, revision)
);
create index provisioning_sending_delivery on provisioning_sending (delivery_id);

select seal_table(name::regclass)
  from unnest(array[
      'provisioning', 'won_deal', 'deal_approval', 'provisioned_object', 'provisioning_step',
      'provisioning_sending']) as name;
