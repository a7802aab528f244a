set local search_path = tieout;
-- Until when the worker of its epoch looks up a delivery in doubt; others take it earlier if that worker is dead.
alter table delivery add column look_up_until timestamptz;
select take_opening_balance('delivery');
