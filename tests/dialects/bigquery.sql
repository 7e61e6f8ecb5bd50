-- case: struct literals | items 3
select struct(1 as a, 'x' as b) as s, struct<a int64, b array<string>>(1, ['x']) as t, (1, 2) as u
-- case: unnest with offset | items 2 | from t
select x, o from t, unnest(t.xs) as x with offset as o
-- case: unnest of a path | items 2 | from t
select t.id, h.page from t left join unnest(hits) as h
-- case: correlated path | items 1 | from t
select e.key from t, t.event_params as e
-- case: star except and replace | items 1 | from t
select * except (a, b) replace (c + 1 as c) from t
-- case: qualified star except | items 2 | from t u
select t.* except (a), u.b from t inner join u using (id)
-- case: qualify | items 1 | from t
select a from t where true qualify row_number() over (partition by a order by b) = 1
-- case: pipe syntax | items 1 | from t | partial
from t |> where a > 1 |> aggregate count(*) as n group by b |> order by n desc
-- case: pipe behind select | items 1 | from t | partial
select a from t |> where a > 1 |> extend a + 1 as b |> limit 10
-- case: safe functions | items 2 | from t
select safe.parse_date('%Y', a) as d, safe_cast(b as int64) as i from t
-- case: ml.predict | items 1 | from t
select * from ml.predict(model `p.d.m`, (select a from t))
-- case: ml.forecast with a struct | items 1
select * from ml.forecast(model `p.d.m`, struct(30 as horizon, 0.8 as confidence_level))
-- case: array access | items 3 | from t
select xs[offset(0)] as a, xs[safe_offset(1)] as b, xs[ordinal(1)].c as c from t
-- case: wildcard table | items 1 | from `p.d.events_*`
select a from `p.d.events_*` where _table_suffix between '20240101' and '20240131'
-- case: time travel | items 1 | from t
select a from t for system_time as of timestamp_sub(current_timestamp(), interval 1 hour)
-- case: dashed names | items 1 | from my-project.d.t
select a from my-project.d.t
-- case: array subquery | items 2 | from t u
select array(select x from u where u.id = t.id order by x limit 3) as xs, array_agg(a ignore nulls order by b desc limit 1)[offset(0)] as last from t group by 2
-- case: array_agg of struct | items 1 | from t
select array_agg(struct(a, b) order by c) as rows from t
-- case: select as struct | items 1 | from t | partial
select as struct a from t
-- case: dates and intervals | items 4 | from t
select date_trunc(a, month) as m, date_diff(a, b, day) as d, date '2024-01-01' as e, extract(isoweek from a) as w from t
-- case: raw and triple strings | items 3
select r'\d+' as a, """it's""" as b, b'x' as c
-- case: pivot | items 1 | from t | partial
select * from t pivot (sum(a) as s for q in ('Q1' as q1, 'Q2' as q2))
-- case: pivot of a subquery | items 1 | from t | partial
select * from (select a, q from t) pivot (count(*) for q in ('x'))
-- case: unpivot | items 1 | from t | partial
select * from t unpivot (v for k in (a as 'x', b))
-- case: tablesample | items 1 | from t
select a from t tablesample system (10 percent)
-- case: group by rollup and all | items 2 | from t
select a, sum(b) from t group by rollup (a)
-- case: group by all | items 2 | from t
select a, sum(b) as s from t group by all
-- case: named windows | items 1 | from t
select sum(a) over w as s from t window w as (partition by b order by c rows between 1 preceding and current row)
-- case: except distinct | items 1 | from t u
select a from t except distinct select a from u
-- case: union distinct, limit | items 1 | from t u
select a from t union distinct select a from u limit 3 offset 1
-- case: recursive | ctes r | items 1
with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select n from r
-- case: parameters and system variables | items 2
select @@project_id as p, @run_date as d
-- case: generate_array | items 1
select d from unnest(generate_date_array('2024-01-01', current_date(), interval 1 day)) as d
-- case: unnest of a literal | items 1
select * from unnest([struct('a' as k, 1 as v), ('b', 2)])
-- case: json access | items 2 | from t
select json_value(j, '$.a') as a, j.b.c[0] as c from t
-- case: temp functions | items 1 | from t
create temp function f(x int64) as (x + 1); select f(a) as a from t
-- case: javascript function | items 1 | from t
create temp function f(x string) returns string language js as """return x;"""; select f(a) as a from t
-- case: declare | items 1 | from t
declare d date default current_date(); select a from t where b = d
-- case: like any | items 1 | from t
select a from t where b like any ('x%', 'y%')
-- case: in unnest | items 1 | from t
select a from t where b in unnest(xs) and c not in unnest([1, 2])
-- case: exists over unnest | items 1 | from t
select a from t where exists (select 1 from unnest(xs) as x where x = 1)
-- case: with a cte before a set of unions | ctes a b | items 1
with a as (select 1 as x), b as (select x from a) (select x from a) union all (select x from b)
-- case: array concat and cast with format | items 2 | from t
select array_concat(xs, [1, 2]) as ys, cast(a as string format 'YYYY') as y from t
-- case: any_value having max | items 1 | from t
select any_value(a having max b) as x from t
-- case: cross join unnest with aliases of fields | items 2 | from t
select t.a, p.value.string_value as v from t cross join unnest(params) as p where p.key = 'x'
-- case: table value function | items 1 | from u
select * from `p.d.tvf`(1, 'x') cross join u
-- case: quoted parts | items 1 | from p.d.t
select a from `p`.`d`.`t`
-- case: if and ifnull and nested case | items 2 | from t
select if(a > 1, b, c) as x, case a when 1 then 'x' else null end as y from t
