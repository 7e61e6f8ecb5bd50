//! Declared rules to bench with: ten forms that teams write, each with names of its own.

/// Rule files, none of which finds anything in a generated project.
pub fn rules(count: usize) -> Vec<String> {
    (0..count).map(rule).collect()
}

const FORMS: [&str; 10] = [
    "forbid: {pattern: '{{ feet_to_metres_N($X) }} as $A'}",
    "forbid: {pattern: 'sum($X) / count($X) + col_N', in: select-item}",
    "forbid: {pattern: '$X::float', in: select-item, metavariables: {$X: {regex: priceN}}}",
    "forbid: {pattern: '$T.loaded_atN > $X', in: where}",
    "select: {layer: staging}\nrequire: {any: [{pattern: 'qualify $X'}, {pattern: 'select ... from $Y'}]}",
    "forbid: {regex: 'drop\\s+table\\s+xN'}",
    "forbid: {description: {regex: xyzN}}",
    "select: {parents: {any: {layer: staging, config: {materialized: ephemeral}}}}\nforbid: {name: {suffix: _N}}",
    "select: {resource_type: column}\nforbid: {name: {suffix: zzN}}",
    "forbid: {all: [{pattern: '$C as (select ...)'}, {not: {pattern: 'from $C'}}, {pattern: yyN zz}]}",
];

fn rule(n: usize) -> String {
    let body = FORMS[n % FORMS.len()].replace('N', &n.to_string());
    format!(
        "id: ap/r{n}\nsummary: S.\nseverity: warn\nmessage: m\ncode: c\nscenario: s\nphenomenon: p\nroot_cause: r\nmitigation: m\n{body}\n"
    )
}
