set local search_path = tieout;
-- API keys, and the seal over every table behind the message store.

create table api_key (
    key_id     uuid primary key,
    name       text not null,
    system     text not null,
    digest     bytea not null unique,
    created_at timestamptz not null,
    revoked_at timestamptz
);

select seal_table(name::regclass)
  from unnest(array[
      'firm_version', 'golden_record', 'golden_record_version', 'cross_reference', 'reported_record', 'event_log',
      'message_repeat', 'batch', 'time_entry', 'rate_line', 'rate_line_retired', 'rate_line_waiting', 'fx_rate',
      'fx_rate_retired', 'actual', 'batch_total',
      'root_cause', 'desk_item', 'finding', 'desk_action', 'delivery', 'delivery_command', 'delivery_attempt',
      'posting_link', 'posting_pending', 'message_pending']) as name;
