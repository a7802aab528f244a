set local search_path = tieout;
-- Entries (by id range) whose worth is to be compared with rates, mappings and policies that were applied since.
-- Rows are claimed and deleted by inbound; while there are any, time_to_bill makes no journals.
create table revaluation_pending (
    pending_id     bigint generated always as identity primary key,
    first_entry_id bigint not null,
    last_entry_id  bigint not null
);
