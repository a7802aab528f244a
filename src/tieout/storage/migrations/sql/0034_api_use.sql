set local search_path = tieout;
-- The inventory of the API: who used which operation in which hour, how often, and when last. A door counts in its
-- process and adds here about once a minute. refused: how many of the requests were answered with 4xx or 5xx.
create table api_use (
    hour         timestamptz not null,
    principal_id uuid not null,
    operation    text not null,
    requests     bigint not null check (requests > 0),
    refused      bigint not null check (refused between 0 and requests),
    last_used_at timestamptz not null,
    primary key (hour, principal_id, operation)
);
create index api_use_operation on api_use (operation, principal_id);

-- Written when nobody's request is under way; read by whoever may read contracts.
select leave_rows_open('api_use');
select let_doors('api_use', 'insert', 'update');
