set local search_path = tieout;
-- Replays: entries judged again under a version that somebody chose, once two people agreed on what it changes.

-- state: proposed | running | done | failed. difference: what the dry run found, by legal entity and currency. digest: of the
-- entries that were chosen then. done_count of total_count entries were judged; the next ones from next_at on.
create table replay (
    replay_id    bigint generated always as identity primary key,
    proposal_id  bigint not null unique,
    selection    jsonb not null,
    firm_version integer not null,
    per_minute   integer not null,
    digest       text not null,
    difference   jsonb not null,
    total_count  integer not null,
    done_count   integer not null default 0,
    state        text not null,
    next_at      timestamptz,
    ended_at     timestamptz
);
create index replay_under_way on replay (replay_id) where state in ('proposed', 'running');

-- The entries of a replay in the order in which they are judged: by legal entity and project, then as they came.
create table replay_entry (
    replay_id bigint not null,
    place     integer not null,
    entry_id  bigint not null,
    primary key (replay_id, place)
);

select guard_rows_through(name::regclass, 'proposal', 'proposal_id') from unnest(array['replay']) as name;
select guard_rows_through('replay_entry', 'replay', 'replay_id');
select let_doors('replay', 'insert');
select let_doors('replay_entry', 'insert');
