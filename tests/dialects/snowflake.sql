-- case: lateral flatten | items 2 | from t
select t.id, f.value:name::string as name from t, lateral flatten(input => t.tags) f
-- case: lateral flatten joined, outer | items 2 | from t
select t.id, f.index from t left join lateral flatten(input => parse_json(t.j):a.b, outer => true) as f
-- case: positional columns of a stage | items 2
select $1, t.$2:c::int from @stage/path (file_format => 'f', pattern => '.*csv') t
-- case: path access | items 3 | from t
select col:path.sub::varchar as a, col['k'][0]:x::int as b, t.col:"Odd Key"::variant as c from t
-- case: match_recognize | items 1 | from t | partial
select * from t match_recognize(partition by a order by b measures match_number() as m one row per match pattern (x+) define x as b > 1)
-- case: asof join | items 2 | from t u
select t.a, u.b from t asof join u match_condition (t.ts >= u.ts) on t.id = u.id
-- case: star ilike | items 1 | from t | partial
select * ilike '%id%' from t
-- case: star exclude and rename | items 1 | from t | partial
select * exclude (a, b) rename (c as d) from t
-- case: star exclude one and replace | items 1 | from t
select t.* exclude a replace (b + 1 as b) from t
-- case: generator | items 1
select seq4() as n from table(generator(rowcount => 10))
-- case: qualify | items 2 | from t
select a, b from t qualify row_number() over (partition by a order by b desc nulls last) = 1
-- case: connect by | items 2 | from t | partial
select a, level from t start with a is null connect by prior a = b
-- case: within group | items 2 | from t
select listagg(distinct a, ',') within group (order by a) as l, percentile_cont(0.5) within group (order by b) from t group by all
-- case: sample | items 1 | from t
select a from t sample (10)
-- case: tablesample with a seed | items 1 | from t
select a from t tablesample bernoulli (3) seed (82)
-- case: time travel | items 1 | from t
select a from t at (timestamp => '2024-01-01'::timestamp) where a > 1
-- case: before | items 1 | from t
select a from t before (statement => '8e5d0ca9')
-- case: changes | items 1 | from t
select a from t changes (information => default) at (offset => -60)
-- case: pivot | items 1 | from t | partial
select * from t pivot (sum(amount) for month in ('jan', 'feb')) as p (id, jan, feb)
-- case: pivot any | items 1 | from t | partial
select * from t pivot (sum(amount) for month in (any order by month))
-- case: unpivot | items 1 | from t | partial
select * from t unpivot (v for k in (a, b, c))
-- case: group by cube, rollup, grouping sets | items 3 | from t
select a, b, grouping(a) from t group by cube (a, b), rollup (a), grouping sets ((a), (b))
-- case: values with columns | ctes v | items 2
with v as (select column1 as a, column2 as b from values (1, 'x'), (2, 'y')) select a, b from v
-- case: values in parentheses | items 1
select a from (values (1), (2)) as v (a)
-- case: object and array literals | items 2
select {'a': 1, 'b': [1, 2]} as o, [1, 2, 3] as xs
-- case: higher-order functions | items 2 | from t
select filter(xs, x -> x > 1) as f, transform(xs, x int -> x * 2) as g from t
-- case: try_cast and interval | items 3 | from t
select try_cast(a as number(38, 2)) as a, dateadd(day, -1, current_date()) as b, c + interval '1 day, 3 hours' as d from t
-- case: ilike any | items 1 | from t
select a from t where b ilike any ('%x%', '%y%') and c like all ('a%', '%b') and not d rlike 'z'
-- case: window frame and ignore nulls | items 2 | from t
select last_value(a ignore nulls) over (partition by b order by c rows between unbounded preceding and current row) as x, first_value(a) ignore nulls over (order by c) as y from t
-- case: top | items 1 | from t
select top 10 a from t
-- case: lateral subquery | items 2 | from t u
select t.a, x.b from t, lateral (select u.b from u where u.id = t.id) x
-- case: recursive | ctes r | items 1 | from t
with recursive r as (select 1 as n union all select n + 1 from r inner join t on t.n = r.n) select n from r
-- case: minus and limit null | items 1 | from t u
select a from t minus select a from u order by 1 limit 5 offset 2
-- case: dollar-quoted and backslash strings | items 2
select $$it's$$ as a, 'it\'s' as b
-- case: natural and using | items 1 | from t u v
select a from t natural join u full outer join v using (a, b)
-- case: table function of a package | items 1
select * from table(my_db.my_schema.fn(1, 'x')) as f
-- case: result scan | items 1
select "name" from table(result_scan(last_query_id()))
-- case: semantic view | items 1
select * from semantic_view(sv metrics a.b dimensions c.d)
-- case: identifier | items 1
select a from identifier('db.s.t')
-- case: array slicing and spread functions | items 1 | from t
select array_slice(split(a, ','), 0, 2)[0]::string as a from t
-- case: alias of the same select, trailing comma | items 2 | from t
select a + 1 as b, b * 2 as c, from t
-- case: union by name | items 1 | from t u
select a from t union all by name select a from u
-- case: trim, position, extract | items 3 | from t
select trim(both ' ' from a), position('x' in a), extract(year from b) as y from t
-- case: date parts as words | items 2 | from t
select date_trunc(month, a) as m, datediff('day', a, b) as d from t
-- case: is distinct from | items 1 | from t
select a is not distinct from b as same from t
-- case: cortex call | items 1 | from t
select snowflake.cortex.complete('m', a) as r from t
-- case: count_if and iff | items 2 | from t
select count_if(a > 1), iff(a, b, c) as x from t
