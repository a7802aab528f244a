set local search_path = tieout;
-- A change of a posted entry from one currency to another is at stake in both: amount_minor of currency is posted and no
-- longer right, new_amount_minor of new_currency is right and not posted.
alter table desk_item add column new_currency smallint;
alter table desk_item add column new_amount_minor bigint;
select take_opening_balance('desk_item');
