-- case: limit by | items 2 | from t
select a, b from t order by a limit 1 by a limit 10
-- case: prewhere | items 1 | from t
select a from t prewhere b = 1 where c = 2
-- case: with fill | items 1 | from t
select a from t order by a with fill from 1 to 10 step 1
-- case: interpolate | items 2 | from t
select a, b from t order by a with fill step 1 interpolate (b as b + 1)
-- case: sample | items 1 | from t
select a from t sample 0.1
-- case: sample with an offset | items 1 | from t
select a from t sample 1/10 offset 1/2
-- case: settings | items 1 | from t
select a from t settings max_threads = 1, join_use_nulls = 1
-- case: global in | items 1 | from t u
select a from t where b global in (select b from u) and c global not in (select c from u)
-- case: parametric aggregates | items 2 | from t
select quantile(0.5)(a) as p, quantilesExact(0.5, 0.9)(b) as q from t
-- case: lambdas | items 2 | from t
select arrayMap(x -> x + 1, xs) as ys, arrayFilter((x, y) -> x > y, xs, ys) as zs from t
-- case: tuple access | items 3 | from t
select t.1 as a, f(x).2 as b, (tuple(1, (2, 3))).2.1 as c from t
-- case: tuple access in lambdas | items 1 | from t
select arrayMap(p -> p.2, arraySort(p -> p.1, groupArray((d, v)))) as xs from t
-- case: tuple access in lambdas within arrays | items 1 | from t
select arrayMap(h -> [toString(h.1), h.2], xs) as ys from t
-- case: final | items 1 | from t
select a from t as x final where a = 1
-- case: array join | items 2 | from t
select a, x from t array join xs as x
-- case: left array join of two | items 3 | from t
select a, x, y from t left array join xs as x, ys as y
-- case: array join of literals | items 2 | from t
select l, v from t array join ['a', 'b'] as l, [x, y] as v order by l
-- case: asof join | items 2 | from t u
select t.a, u.b from t asof left join u on t.id = u.id and t.ts >= u.ts
-- case: any join | items 2 | from t u
select t.a, u.b from t any left join u using (id)
-- case: left any join | items 2 | from t u
select t.a, u.b from t left any join u on t.id = u.id
-- case: global joins | items 1 | from t u
select t.a from t global left join u on t.id = u.id
-- case: semi and anti joins | items 1 | from t u v
select t.a from t left semi join u on t.id = u.id left anti join v on t.id = v.id
-- case: scalar with | ctes c | items 2 | from t
with (select max(a) from t) as m, 10 as n, c as (select a from t) select m, n from c
-- case: with an expression | items 1 | from t
with toDate('2024-01-01') as d select a from t where b >= d
-- case: array literals in with | ctes c | items 1
with [1, 2] as xs, c as (select 1 as a) select a from c
-- case: casts with strings | items 3 | from t
select cast(a, 'Nullable(String)') as a, a::UInt64 as b, cast([], 'Array(Float64)') as c from t
-- case: types | items 2 | from t
select cast(a as Nullable(Decimal(38, 2))) as a, cast(b as Array(Tuple(String, UInt8))) as b from t
-- case: map access | items 1 | from t
select m['k'] as k from t
-- case: star except, replace, apply | items 3 | from t
select * except (a), * replace (b + 1 as b), columns('x.*') apply (sum) from t
-- case: interval and dates | items 2 | from t
select now() - interval 1 day as d, toStartOfMonth(a) as m from t
-- case: aggregate combinators | items 2 | from t
select sumIf(a, b > 1) as s, argMaxMerge(st) as m from t
-- case: filter | items 1 | from t
select sum(a) filter (where b = 1) as s from t
-- case: with totals | items 2 | from t
select a, count() from t group by a with totals
-- case: grouping sets | items 2 | from t
select a, b from t group by grouping sets ((a), (b))
-- case: rollup | items 2 | from t
select a, count() as n from t group by a with rollup
-- case: table functions | items 1
select number from numbers(10)
-- case: remote and s3 | items 1
select * from s3('https://x/y.csv', 'CSV')
-- case: dictionaries | items 1 | from t
select dictGet('d', 'a', tuple(b)) as a from t
-- case: union distinct, format | items 1 | from t u
select a from t union distinct select a from u format JSON
-- case: distinct on | items 1 | from t
select distinct on (a) a from t
-- case: column called offset | items 2 | from t
select max(offset) as a, offset + 1 as b from t
-- case: any call | items 1 | from t
select uniqExact(a) / any(b) as r from t
-- case: window | items 1 | from t
select lagInFrame(a, 1) over (partition by b order by c rows between unbounded preceding and unbounded following) as l from t
-- case: nested with in from | ctes | items 1 | from t
select a from (with x as (select a from t) select a from x)
-- case: in a tuple list | items 1 | from t
select a from t where (b, c) in ((1, 2), (3, 4)) and d in [1, 2]
-- case: named aliases within expressions | items 2 | from t
select (a + 1 as x) * 2 as y, x from t
-- case: ilike and not like | items 1 | from t
select a from t where b ilike '%x%' and c not like 'y'
-- case: json paths | items 1 | from t
select j.a.b as x from t
-- case: limit with ties | items 1 | from t
select a from t order by a limit 5 with ties
-- case: qualify | items 1 | from t
select a from t qualify row_number() over (partition by a order by b) = 1
-- case: unary and modulo | items 2 | from t
select -a as n, a % 2 as m from t
-- case: view parameters | items 1 | from t
select a from t where b = {x:String}
-- case: tuple access of a name that is a keyword | items 1 | from t
select arrayMap(point -> point.2, xs) as a from t
-- case: column called values | items 1 | from t
select arrayZip(ids, values) as a from t
