set local search_path = tieout;
-- What storage itself needs: workers and their epochs, control totals over all tables, rate windows.

create sequence worker_epoch_seq;

create table worker (
    epoch      bigint primary key,
    host       text not null,
    pid        integer not null,
    started_at timestamptz not null
);

-- One row per writing statement of the product: how many rows a table gained and by how much the sum of its row
-- digests changed. A row deleted, doubled or altered by anybody else leaves no row here and shows as a break; so does
-- a row of this table that is altered or deleted, since its sums then differ from the tables as they stand.
create table control_total (
    control_total_id bigint generated always as identity primary key,
    table_name       text not null,
    row_count        bigint not null,
    digest           numeric not null
);

-- A row's digest is PostgreSQL's hash of its values: independent of the session's settings, and a third of the cost of
-- hashing its text.
create function add_control_total() returns trigger language plpgsql as $$
declare
    gained        bigint := 0;
    digest_gained numeric := 0;
    part_count    bigint;
    part_digest   numeric;
begin
    if current_setting('tieout.writer', true) is distinct from 'on' then
        return null;
    end if;
    if tg_op in ('INSERT', 'UPDATE') then
        select count(*), coalesce(sum(hash_record_extended(new_rows.*, 0)), 0) into part_count, part_digest from new_rows;
        gained := gained + part_count;
        digest_gained := digest_gained + part_digest;
    end if;
    if tg_op in ('DELETE', 'UPDATE') then
        select count(*), coalesce(sum(hash_record_extended(old_rows.*, 0)), 0) into part_count, part_digest from old_rows;
        gained := gained - part_count;
        digest_gained := digest_gained - part_digest;
    end if;
    if gained <> 0 or digest_gained <> 0 then
        insert into tieout.control_total (table_name, row_count, digest) values (tg_table_name, gained, digest_gained);
    end if;
    return null;
end
$$;

-- Count and digest of a table as it stands, in the same terms as the trigger's.
create function table_total(sealed regclass, out row_count bigint, out digest numeric) language plpgsql stable as $$
begin
    execute format('select count(*), coalesce(sum(hash_record_extended(standing.*, 0)), 0) from %s standing', sealed)
       into row_count, digest;
end
$$;

-- Puts a table under control totals from now on; rows that it already has are its opening balance.
create function seal_table(sealed regclass) returns void language plpgsql as $$
begin
    execute format('create trigger seal_insert after insert on %s referencing new table as new_rows
                    for each statement execute function tieout.add_control_total()', sealed);
    execute format('create trigger seal_update after update on %s referencing old table as old_rows new table as new_rows
                    for each statement execute function tieout.add_control_total()', sealed);
    execute format('create trigger seal_delete after delete on %s referencing old table as old_rows
                    for each statement execute function tieout.add_control_total()', sealed);
    perform tieout.take_opening_balance(sealed);
end
$$;

-- A migration that changes the columns of a sealed table changes the digests of its rows: it calls this afterwards, in
-- its own transaction, with the table locked against writers by the change itself.
create function take_opening_balance(sealed regclass) returns void language plpgsql as $$
declare
    sealed_name text := (select relname from pg_class where oid = sealed);
begin
    delete from tieout.control_total where table_name = sealed_name;
    insert into tieout.control_total (table_name, row_count, digest)
    select sealed_name, t.row_count, t.digest from tieout.table_total(sealed) t where t.row_count > 0;
end
$$;

-- due_at: when the next request of the account is due in theory (generic cell rate algorithm, storage.throttle).
create table throttle_window (
    account       text primary key,
    due_at        timestamptz not null,
    penalty_until timestamptz
);

-- The release of procrastinate whose tables schema jobs has (storage.jobs_schema).
create table jobs_schema (
    only_row boolean primary key default true check (only_row),
    version  text not null
);
