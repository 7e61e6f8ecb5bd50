//! SQL under construction: the file's text, what dbt makes of it, and its references, side by side.
//!
//! The manifest needs compiled code and edges. Writing both at the place where the Jinja is written
//! is the only way to be right about them without a Jinja engine.

/// What a file refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A model or seed of the project.
    Node(String),
    /// A model of another package.
    Package(String, String),
    /// A source table.
    Source(String, String),
}

/// A piece of SQL, or all of it.
#[derive(Debug, Clone, Default)]
pub struct Sql {
    /// As the file has it.
    pub raw: String,
    /// As dbt would send it to the warehouse.
    pub compiled: String,
    /// What dbt's parse would see it refer to, in order, each once.
    pub refs: Vec<Reference>,
    /// Where the planted defect stands, in bytes of `raw`.
    mark: Option<usize>,
}

impl Sql {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plain SQL.
    pub fn text(text: impl AsRef<str>) -> Self {
        let mut sql = Self::new();
        sql.add(text);
        sql
    }

    /// Adds plain SQL.
    pub fn add(&mut self, text: impl AsRef<str>) {
        self.raw.push_str(text.as_ref());
        self.compiled.push_str(text.as_ref());
    }

    /// Adds Jinja and what becomes of it.
    pub fn jinja(&mut self, raw: impl AsRef<str>, compiled: impl AsRef<str>) {
        self.raw.push_str(raw.as_ref());
        self.compiled.push_str(compiled.as_ref());
    }

    /// Adds a ref to a node of the project.
    pub fn reference(&mut self, name: &str) {
        self.jinja(format!("{{{{ ref('{name}') }}}}"), relation(name));
        self.refer(Reference::Node(name.to_owned()));
    }

    /// Adds a ref that names the package.
    pub fn package_reference(&mut self, package: &str, name: &str) {
        self.jinja(
            format!("{{{{ ref('{package}', '{name}') }}}}"),
            relation(name),
        );
        self.refer(Reference::Package(package.to_owned(), name.to_owned()));
    }

    /// Adds a source table.
    pub fn source(&mut self, source: &str, table: &str) {
        self.jinja(
            format!("{{{{ source('{source}', '{table}') }}}}"),
            format!("raw.{source}.{table}"),
        );
        self.refer(Reference::Source(source.to_owned(), table.to_owned()));
    }

    /// Notes a reference that stands somewhere else, in a macro.
    pub fn refer(&mut self, reference: Reference) {
        if !self.refs.contains(&reference) {
            self.refs.push(reference);
        }
    }

    /// Says that the defect stands at what is added next.
    pub fn mark(&mut self) {
        self.mark = Some(self.raw.len());
    }

    /// Adds another piece, its mark and references included.
    pub fn append(&mut self, other: &Sql) {
        if let Some(mark) = other.mark {
            self.mark = Some(self.raw.len() + mark);
        }
        self.add_both(other);
        for reference in &other.refs {
            self.refer(reference.clone());
        }
    }

    fn add_both(&mut self, other: &Sql) {
        self.raw.push_str(&other.raw);
        self.compiled.push_str(&other.compiled);
    }

    /// The 1-based line of the mark.
    pub fn marked_line(&self) -> Option<usize> {
        self.mark.map(|mark| {
            1 + self.raw.as_bytes()[..mark]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
        })
    }
}

/// Where a node of the project lies in the warehouse; an ephemeral one is a CTE that dbt adds.
pub fn relation(name: &str) -> String {
    if name.starts_with("int_") {
        format!("__dbt__cte__{name}")
    } else {
        format!("analytics.prod.{name}")
    }
}

/// A select list: one column per line, `indent` spaces in, without a comma at the end.
pub fn list(sql: &mut Sql, indent: usize, lines: &[String]) {
    let pad = " ".repeat(indent);
    for (place, line) in lines.iter().enumerate() {
        let comma = if place + 1 == lines.len() {
            "\n"
        } else {
            ",\n"
        };
        sql.add(&pad);
        sql.add(line);
        sql.add(comma);
    }
}
