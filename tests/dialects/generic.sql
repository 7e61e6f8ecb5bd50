-- case: plain | ctes a b | items 3 | from t u
with a as (select x, y from t), b as (select x from u) select a.x, a.y, b.x as z from a left join b on a.x = b.x
-- case: case, between, in | items 2 | from t
select case when a between 1 and 2 then 'x' else 'y' end as c, a in (1, 2) as d from t
-- case: qualify | items 1 | from t
select a from t qualify row_number() over (partition by a order by b) = 1
-- case: casts | items 2 | from t
select a::int as a, cast(b as varchar(10)) as b from t
-- case: windows | items 1 | from t
select sum(a) over (partition by b order by c rows between unbounded preceding and current row) as s from t
-- case: top | items 1 | from t
select top 10 a from t
-- case: backquotes | items 1 | from d.t
select `a` from `d`.`t`
-- case: string aggregates | items 1 | from t
select listagg(a, ',') within group (order by a) as l from t
-- case: star except | items 1 | from t
select * except (a) from t
-- case: star exclude | items 1 | from t
select * exclude (a) from t
-- case: subqueries | items 2 | from t u
select a, (select max(b) from u) as m from (select a from t) as s
-- case: group by all | items 2 | from t
select a, sum(b) as s from t group by all
-- case: lambda | items 1 | from t
select transform(xs, x -> x + 1) as ys from t
-- case: json path | items 1 | from t
select a:b.c::varchar as x from t
-- case: full join and using | items 1 | from t u
select a from t full outer join u using (a)
