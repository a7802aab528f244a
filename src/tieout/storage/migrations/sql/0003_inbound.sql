set local search_path = tieout;
-- The message store (append-only, payload as received), the work queue over it, and the time entries read from it.

create table message (
    message_id     bigint generated always as identity primary key,
    system         text not null,
    object         text not null,
    channel        text not null,
    received_at    timestamptz not null,
    payload        bytea not null,
    digest         bytea not null,
    item_count     integer,
    principal      text,
    correlation_id uuid
);
create unique index message_digest on message (system, object, digest);

-- The same bytes received again: counted, never processed twice.
create table message_repeat (
    repeat_id   bigint generated always as identity primary key,
    message_id  bigint not null,
    received_at timestamptz not null
);
create index message_repeat_message on message_repeat (message_id);

create table message_pending (
    message_id bigint primary key,
    object     text not null,
    due_at     timestamptz not null,
    attempts   smallint not null default 0
);

create table source_cursor (
    system     text not null,
    object     text not null,
    cursor     text not null,
    moved_at   timestamptz not null,
    primary key (system, object)
);

-- Every batch takes one block of ids (storage.copying.take_ids), so that a batch is a contiguous range of ids that no
-- other process shares. The gaps mean nothing.
create sequence entry_id_seq;

-- batch_id grows in the order of commit: the row is written under a lock that is held until the commit.
create table batch (
    batch_id          bigint generated always as identity primary key,
    first_entry_id    bigint not null,
    last_entry_id     bigint not null,
    firm_version      integer not null,
    reference_version bigint not null,
    accepted_count    integer not null,
    held_count        integer not null,
    repeat_count      integer not null,
    recorded_at       timestamptz not null
);

-- One reading of one version of one source entry. Append-only: a later reading of the same version (after a
-- mapping was corrected) has the next revision, a later version its own row; previous_entry_id links them.
-- state: 1 draft 2 submitted 3 approved 4 rejected 5 recalled 6 deleted.
-- disposition:
--   1 accepted: its actuals are in the ledger.
--   2 held: its item is on the desk.
--   3 not approved: nothing is in the ledger for it.
--   4 superseded on arrival: a newer version was known, or came in the same batch.
--   5 carried: says the same in everything that touches money as previous_entry_id, an accepted entry whose actuals
--     and posting stand for this one too; it has none of its own.
-- The reading that stands for a source entry is the one with the highest (version, revision).
create table time_entry (
    entry_id          bigint primary key,
    message_id        bigint not null,
    item_no           integer not null,
    system_id         smallint not null,
    source_id         text not null,
    version           bigint not null,
    revision          smallint not null,
    previous_entry_id bigint,
    state             smallint not null,
    disposition       smallint not null,
    digest            bigint not null,
    resource_id       integer,
    project_id        integer,
    task_id           integer,
    role_id           integer,
    entity_id         integer,
    work_date         date,
    hours             numeric(9, 4),
    billable          boolean,
    work_type         smallint not null,
    started_at        timestamptz,
    ended_at          timestamptz,
    narrative         text not null,
    firm_version      integer not null
);
create unique index time_entry_source on time_entry (source_id, version, system_id, revision);
create index time_entry_day on time_entry (resource_id, work_date);
