//! The words that projects are made of: systems, entities, domains and columns.
//!
//! Columns are interned, because 100,000 models times 35 columns must fit in memory.

use std::collections::HashMap;

/// Source systems; with a region, and then a number, where a project has more.
pub const SYSTEMS: [&str; 16] = [
    "erp",
    "crm",
    "shop",
    "billing",
    "wms",
    "hris",
    "pos",
    "telemetry",
    "support",
    "loyalty",
    "ads",
    "ledger",
    "fleet",
    "iot",
    "portal",
    "survey",
];

/// Second words of source names.
pub const REGIONS: [&str; 8] = [
    "emea", "apac", "latam", "dach", "nordics", "us", "uk", "iberia",
];

/// Entities, plural and singular; no plural is an SQL keyword, since it names a CTE.
pub const ENTITIES: [(&str, &str); 40] = [
    ("accounts", "account"),
    ("customers", "customer"),
    ("orders", "order"),
    ("order_lines", "order_line"),
    ("invoices", "invoice"),
    ("payments", "payment"),
    ("refunds", "refund"),
    ("products", "product"),
    ("suppliers", "supplier"),
    ("shipments", "shipment"),
    ("deliveries", "delivery"),
    ("contracts", "contract"),
    ("subscriptions", "subscription"),
    ("tickets", "ticket"),
    ("employees", "employee"),
    ("stores", "store"),
    ("regions", "region"),
    ("campaigns", "campaign"),
    ("leads", "lead"),
    ("opportunities", "opportunity"),
    ("quotes", "quote"),
    ("price_lists", "price_list"),
    ("discounts", "discount"),
    ("budgets", "budget"),
    ("cost_centers", "cost_center"),
    ("ledger_entries", "ledger_entry"),
    ("meters", "meter"),
    ("readings", "reading"),
    ("devices", "device"),
    ("work_orders", "work_order"),
    ("inspections", "inspection"),
    ("vehicles", "vehicle"),
    ("routes", "route"),
    ("parcels", "parcel"),
    ("visits", "visit"),
    ("sessions", "session"),
    ("page_views", "page_view"),
    ("questionnaires", "questionnaire"),
    ("claims", "claim"),
    ("policies", "policy"),
];

/// Business domains: folders of intermediate models and marts.
pub const DOMAINS: [&str; 12] = [
    "sales",
    "finance",
    "logistics",
    "marketing",
    "people",
    "service",
    "procurement",
    "product",
    "risk",
    "energy",
    "retail",
    "planning",
];

/// Applications: folders of application models.
pub const APPS: [&str; 8] = [
    "churn_radar",
    "board_pack",
    "pricing_desk",
    "stock_alerts",
    "partner_portal",
    "forecasting",
    "field_app",
    "credit_check",
];

/// What a column holds; decides its cast, its group and its aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A natural, foreign or surrogate key.
    Id,
    /// A point in time.
    Date,
    /// A text.
    Text,
    /// An amount, a count, a share.
    Number,
    /// True or false.
    Flag,
    /// Semi-structured.
    Json,
}

const DATES: &str = "ordered_on shipped_on due_on paid_on cancelled_on started_at ended_at \
    approved_at \
    signed_on renewed_on first_seen_at last_seen_at synced_at closed_at opened_at expired_on \
    scheduled_for confirmed_at returned_on posted_on";
const TEXTS: &str = "category segment channel brand city postal_code street language_code \
    currency_code \
    title subtitle short_name long_name reference_number external_code email_domain payment_method \
    priority reason note comment_text region_name department carrier size_label color material \
    grade \
    owner_name approver_name origin_system delivery_terms incoterm tax_class document_type stage \
    subtype phase campaign_code batch_code";
const NUMBERS: &str = "amount_gross amount_tax quantity unit_price discount_share weight_kg \
    volume_m3 \
    distance_km duration_min margin_share cost_total cost_freight cost_handling stock_level \
    reorder_level rating score exchange_rate installments line_count visit_count error_count \
    retries \
    temperature_c energy_kwh commission credit_limit balance budget_amount forecast_amount";
const FLAGS: &str = "is_active is_test is_priority is_gift is_taxable is_recurring is_internal \
    has_attachment has_warranty is_blocked is_archived is_first_purchase";

/// Columns that every model carries, so that every model can be joined, filtered and summed.
pub const CORE: [&str; 6] = [
    "account_id",
    "created_at",
    "updated_at",
    "status",
    "amount_net",
    "country_code",
];

/// An interned column name.
pub type ColumnId = u32;

struct Entry {
    name: String,
    kind: Kind,
    description: String,
}

/// All column names of a project with their meaning; a name means the same in every model.
pub struct Vocab {
    entries: Vec<Entry>,
    ids: HashMap<String, ColumnId>,
    /// Columns that a staging model may draw from, without the core.
    pub pool: Vec<ColumnId>,
}

impl Vocab {
    /// The vocabulary of raw columns; derived names are added while models are planned.
    pub fn new() -> Self {
        let mut vocab = Self {
            entries: Vec::new(),
            ids: HashMap::new(),
            pool: Vec::new(),
        };
        for name in CORE {
            vocab.add(name, core_kind(name));
        }
        for (_, singular) in ENTITIES {
            vocab.add(&format!("{singular}_id"), Kind::Id);
        }
        let words = [
            (DATES, Kind::Date),
            (TEXTS, Kind::Text),
            (NUMBERS, Kind::Number),
            (FLAGS, Kind::Flag),
            ("payload", Kind::Json),
        ];
        for (names, kind) in words {
            for name in names.split_whitespace() {
                vocab.add(name, kind);
            }
        }
        vocab.pool = (CORE.len() as ColumnId..vocab.entries.len() as ColumnId).collect();
        vocab
    }

    /// The id of `name`, which is new or known; the first kind given stays.
    pub fn add(&mut self, name: &str, kind: Kind) -> ColumnId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = self.entries.len() as ColumnId;
        self.entries.push(Entry {
            name: name.to_owned(),
            kind,
            description: describe(name, kind),
        });
        self.ids.insert(name.to_owned(), id);
        id
    }

    /// The column's name.
    pub fn name(&self, id: ColumnId) -> &str {
        &self.entries[id as usize].name
    }

    /// What the column holds.
    pub fn kind(&self, id: ColumnId) -> Kind {
        self.entries[id as usize].kind
    }

    /// What the column means.
    pub fn description(&self, id: ColumnId) -> &str {
        &self.entries[id as usize].description
    }
}

fn core_kind(name: &str) -> Kind {
    match name {
        "account_id" => Kind::Id,
        "created_at" | "updated_at" => Kind::Date,
        "amount_net" => Kind::Number,
        _ => Kind::Text,
    }
}

fn describe(name: &str, kind: Kind) -> String {
    let words = name.trim_start_matches('_').replace('_', " ");
    match kind {
        Kind::Id => format!(
            "Identifies the {}, as the system that owns it numbers it.",
            words.trim_end_matches(" id").trim_end_matches(" sk")
        ),
        Kind::Date => format!("When it happened ({words}), in UTC."),
        Kind::Text => format!("The {words} as entered, trimmed, empty values as null."),
        Kind::Number => {
            format!("The {words}, summable over rows unless its name says share or rate.")
        }
        Kind::Flag => format!("Whether the record {words}, null where the system does not say."),
        Kind::Json => "The record as it arrived, for fields nobody has named yet.".to_owned(),
    }
}
