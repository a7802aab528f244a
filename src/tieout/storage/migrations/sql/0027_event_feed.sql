set local search_path = tieout;
-- The feed of events: how far it may be read is asked by doors that see only some of its rows.

create function event_head() returns bigint language sql stable security definer set search_path = tieout, pg_temp as $$
    select coalesce(max(event_id), 0) from event_log
$$;
