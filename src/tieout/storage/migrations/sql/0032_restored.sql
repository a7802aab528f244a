set local search_path = tieout;
-- What a restored database must not do until it is proven that the world did not move on without it. runtime.restored
-- proves and releases; time_to_bill leaves entries of waiting entities in the queue.

create table restoration (
    restoration_id bigint generated always as identity primary key,
    archive_sha256 text not null,
    backed_up_at   timestamptz not null,
    restored_at    timestamptz not null
);

-- A legal entity whose billing waits. state: waiting | proven (the ledgers hold nothing unknown) | released (two people
-- took it upon themselves). accepted_by differs from proposed_by.
create table restored_entity (
    restoration_id bigint not null,
    entity_id      integer not null,
    state          text not null check (state in ('waiting', 'proven', 'released')),
    checked_at     timestamptz,
    problem        text,
    proposed_by    text,
    reason         text,
    accepted_by    text,
    ended_at       timestamptz,
    primary key (restoration_id, entity_id),
    check (accepted_by is null or (proposed_by is not null and accepted_by <> proposed_by)),
    check ((state = 'released') = (accepted_by is not null))
);
create index restored_entity_waiting on restored_entity (entity_id) where state = 'waiting';

-- A posting in a ledger that the restored books do not know; gone_at: a later look did not find it any more.
create table restored_posting (
    posting_id   bigint generated always as identity primary key,
    entity_id    integer not null,
    system       text not null,
    reference    text not null,
    target_ref   text not null,
    accounting_date date not null,
    currency     smallint not null,
    amount_minor bigint not null,
    found_at     timestamptz not null,
    gone_at      timestamptz,
    unique (entity_id, system, reference)
);

-- Entries of this legal entity are billed only when it does not wait any more.
alter table posting_pending add column waits_for integer;
select take_opening_balance('posting_pending');

select guard_rows_of_firm('restoration');
select guard_rows_by_entity(name::regclass) from unnest(array['restored_entity', 'restored_posting']) as name;
