set local search_path = tieout;
-- The exception queue: root causes, items, what people did, and what waits to be read again.

create table root_cause (
    cause_id   integer generated always as identity primary key,
    code       text not null,
    cause_key  text not null,
    owner      text not null,
    depends_on text[] not null,
    first_seen timestamptz not null,
    unique (code, cause_key)
);
create index root_cause_depends_on on root_cause using gin (depends_on);

-- One item is one held subject. subject_kind: time_entry | message | delivery | record.
-- hours and amount_minor are what is at stake (a delta for SOURCE_CHANGED); amount_minor is null where unpriced.
-- state: open | released | resolved | excluded.
create table desk_item (
    item_id      bigint generated always as identity primary key,
    subject_kind text not null,
    subject_id   bigint not null,
    message_id   bigint,
    item_no      integer,
    system_id    smallint,
    source_id    text,
    cause_id     integer not null,
    state        text not null,
    entity_id    integer,
    document_date date,
    currency     smallint,
    entry_count  integer not null,
    hours        numeric(14, 4),
    amount_minor bigint,
    message      text not null,
    context      jsonb not null,
    opened_at    timestamptz not null,
    closed_at    timestamptz
);
create unique index desk_item_open on desk_item (subject_kind, subject_id) where state in ('open', 'released');
create index desk_item_cause on desk_item (cause_id) where state in ('open', 'released');
create index desk_item_source on desk_item (source_id);

-- Every finding, blocking or not, on the entry (or message) it was made of.
create table finding (
    finding_id bigint generated always as identity primary key,
    entry_id   bigint,
    message_id bigint,
    item_no    integer,
    code       text not null,
    severity   text not null,
    cause_key  text not null,
    message    text not null,
    context    jsonb not null
);
create index finding_entry on finding (entry_id);

create table desk_action (
    action_id bigint generated always as identity primary key,
    item_id   bigint not null,
    action    text not null,
    actor     text not null,
    reason    text not null,
    taken_at  timestamptz not null
);
