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
-- digests changed. A row deleted, doubled or altered by anybody else leaves no row here and shows as a break.
create table control_total (
    control_total_id bigint generated always as identity primary key,
    table_name       text not null,
    row_count        bigint not null,
    digest           numeric not null
);

create function add_control_total() returns trigger language plpgsql as $$
declare
    gained bigint := 0;
    digest numeric := 0;
    part_count bigint;
    part_digest numeric;
begin
    if current_setting('tieout.writer', true) is distinct from 'on' then
        return null;
    end if;
    if tg_op in ('INSERT', 'UPDATE') then
        select count(*), coalesce(sum(hashtextextended(n::text, 0)), 0) into part_count, part_digest from new_rows n;
        gained := gained + part_count;
        digest := digest + part_digest;
    end if;
    if tg_op in ('DELETE', 'UPDATE') then
        select count(*), coalesce(sum(hashtextextended(o::text, 0)), 0) into part_count, part_digest from old_rows o;
        gained := gained - part_count;
        digest := digest - part_digest;
    end if;
    if gained <> 0 or digest <> 0 then
        insert into control_total (table_name, row_count, digest) values (tg_table_name, gained, digest);
    end if;
    return null;
end
$$;

create function seal_table(sealed regclass) returns void language plpgsql as $$
begin
    execute format('create trigger seal_insert after insert on %s referencing new table as new_rows
                    for each statement execute function add_control_total()', sealed);
    execute format('create trigger seal_update after update on %s referencing old table as old_rows new table as new_rows
                    for each statement execute function add_control_total()', sealed);
    execute format('create trigger seal_delete after delete on %s referencing old table as old_rows
                    for each statement execute function add_control_total()', sealed);
end
$$;

create table throttle_window (
    account       text primary key,
    next_free_at  timestamptz not null,
    penalty_until timestamptz
);
