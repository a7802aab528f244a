set local search_path = tieout;
-- Who did what, when, why: one chain, each entry bound to the one before it by its hash. Append-only for everybody.

-- content is the exact text that is hashed; the other columns repeat what is searched for, and the verification compares
-- them with it. seq has no gaps: it is given under the chain's lock, not by a sequence.
create table audit_entry (
    seq         bigint primary key,
    recorded_at timestamptz not null,
    principal   text not null,
    action      text not null,
    object_kind text not null,
    object_id   text not null,
    entity      text,
    content     text not null,
    hash        bytea not null
);
create index audit_entry_object on audit_entry (object_kind, object_id);

-- Where the head of the chain was written down outside this database. The proof lies there, not here.
create table audit_anchor (
    anchor_id   bigint generated always as identity primary key,
    seq         bigint not null,
    hash        bytea not null,
    place       text not null,
    anchored_at timestamptz not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

create trigger append_only before update or delete or truncate on audit_entry
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_anchor
    for each statement execute function refuse_change();

-- Whoever appends needs the head of the chain, whichever legal entities he sees.
create function audit_head(out seq bigint, out hash bytea) language sql stable security definer
set search_path = tieout, pg_temp as $$
    select seq, hash from audit_entry order by seq desc limit 1
$$;

select guard_rows_by_code('audit_entry');
-- What a person did for no legal entity in particular is written by everybody and read by those who see all.
create policy added on audit_entry for insert with check (true);
select leave_rows_open('audit_anchor');
select let_doors('audit_entry', 'insert');
select let_doors('audit_anchor', 'insert');
