set local search_path = tieout;
-- What people decided about records of different systems that may be one (tieout adopt). Append-only.
-- decision: joined (gone_id was merged into kept_id) | apart (the two are never proposed again).

create table adoption (
    adoption_id bigint generated always as identity primary key,
    type        text not null,
    gone_id     integer not null,
    kept_id     integer not null,
    decision    text not null check (decision in ('joined', 'apart')),
    evidence    text not null,
    actor       text not null,
    decided_at  timestamptz not null
);

select seal_table('adoption');
