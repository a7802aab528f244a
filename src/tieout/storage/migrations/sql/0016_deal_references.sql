set local search_path = tieout;
-- The deals of a customer and of a contract, by the CRM and its keys: either may be told after the deal.
create index golden_record_deal_client on golden_record ((refs -> 'client' ->> 0), (refs -> 'client' ->> 1))
    where type = 'deal';
create index golden_record_deal_contract on golden_record ((refs -> 'contract' ->> 0), (refs -> 'contract' ->> 1))
    where type = 'deal';
-- Contracts and deals are found by the number that people know them by.
create index golden_record_number on golden_record (type, lower(fields ->> 'code')) where type in ('contract', 'deal');
