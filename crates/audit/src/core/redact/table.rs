//! What secrets look like, as data. Each row says whose they are; sources are the providers' own pages on the form of
//! their tokens.

/// A token that is known by how it begins.
pub(super) struct Token {
    /// How it begins. Rows with the same beginning stand longest first.
    pub prefix: &'static str,
    /// What follows.
    pub letters: Letters,
    /// How many letters follow at least.
    pub least: usize,
    /// What it is, as a noun.
    pub what: &'static str,
}

/// Letters that a token is made of.
#[derive(Clone, Copy)]
pub(super) enum Letters {
    /// `A-Z a-z 0-9`.
    Plain,
    /// The same with `-` and `_`.
    Url,
    /// The same with `.` too.
    Dotted,
    /// `A-Z 2-7` and digits, upper case.
    Upper,
}

impl Letters {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::Plain => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        }
    }
}

const fn token(prefix: &'static str, letters: Letters, least: usize, what: &'static str) -> Token {
    Token { prefix, letters, least, what }
}

/// Tokens by their beginning.
pub(super) const TOKENS: &[Token] = &[
    token("github_pat_", Letters::Url, 22, "token of GitHub"),
    token("ghp_", Letters::Plain, 20, "token of GitHub"),
    token("gho_", Letters::Plain, 20, "token of GitHub"),
    token("ghu_", Letters::Plain, 20, "token of GitHub"),
    token("ghs_", Letters::Dotted, 20, "token of GitHub"),
    token("ghr_", Letters::Plain, 20, "token of GitHub"),
    token("glpat-", Letters::Dotted, 16, "token of GitLab"),
    token("gldt-", Letters::Dotted, 16, "token of GitLab"),
    token("glrt-", Letters::Dotted, 16, "token of GitLab"),
    token("glptt-", Letters::Dotted, 16, "token of GitLab"),
    token("AKIA", Letters::Upper, 16, "key of AWS"),
    token("ASIA", Letters::Upper, 16, "key of AWS"),
    token("ABIA", Letters::Upper, 16, "key of AWS"),
    token("AIza", Letters::Url, 30, "key of Google"),
    token("ya29.", Letters::Dotted, 20, "token of Google"),
    token("GOCSPX-", Letters::Url, 20, "secret of Google"),
    token("sk-ant-", Letters::Url, 20, "key of Anthropic"),
    token("sk-proj-", Letters::Url, 20, "key of OpenAI"),
    token("sk-svcacct-", Letters::Url, 20, "key of OpenAI"),
    token("sk-or-", Letters::Url, 20, "key of OpenRouter"),
    token("sk-", Letters::Url, 20, "key of a model's provider"),
    token("xai-", Letters::Plain, 20, "key of xAI"),
    token("gsk_", Letters::Plain, 20, "key of Groq"),
    token("hf_", Letters::Plain, 20, "token of Hugging Face"),
    token("r8_", Letters::Plain, 20, "token of Replicate"),
    token("pplx-", Letters::Plain, 20, "key of Perplexity"),
    token("sk_live_", Letters::Plain, 16, "key of Stripe"),
    token("sk_test_", Letters::Plain, 16, "key of Stripe"),
    token("rk_live_", Letters::Plain, 16, "key of Stripe"),
    token("rk_test_", Letters::Plain, 16, "key of Stripe"),
    token("whsec_", Letters::Plain, 16, "key of Stripe"),
    token("xoxb-", Letters::Url, 10, "token of Slack"),
    token("xoxp-", Letters::Url, 10, "token of Slack"),
    token("xoxa-", Letters::Url, 10, "token of Slack"),
    token("xoxr-", Letters::Url, 10, "token of Slack"),
    token("xoxs-", Letters::Url, 10, "token of Slack"),
    token("xapp-", Letters::Url, 10, "token of Slack"),
    token("npm_", Letters::Plain, 30, "token of a package registry"),
    token("pypi-", Letters::Url, 30, "token of a package registry"),
    token("rubygems_", Letters::Plain, 30, "token of a package registry"),
    token("cio", Letters::Plain, 32, "token of a package registry"),
    token("oy2", Letters::Plain, 43, "token of a package registry"),
    token("dckr_pat_", Letters::Url, 20, "token of Docker"),
    token("dp.pt.", Letters::Plain, 30, "token of Doppler"),
    token("hvs.", Letters::Url, 20, "token of Vault"),
    token("hvb.", Letters::Url, 20, "token of Vault"),
    token("pul-", Letters::Plain, 30, "token of Pulumi"),
    token("dop_v1_", Letters::Plain, 30, "token of DigitalOcean"),
    token("shpat_", Letters::Plain, 20, "token of Shopify"),
    token("shpss_", Letters::Plain, 20, "token of Shopify"),
    token("SG.", Letters::Dotted, 30, "key of SendGrid"),
    token("key-", Letters::Plain, 32, "key of Mailgun"),
    token("lin_api_", Letters::Plain, 30, "key of Linear"),
    token("ntn_", Letters::Plain, 30, "token of Notion"),
    token("secret_", Letters::Plain, 40, "token of Notion"),
    token("figd_", Letters::Url, 20, "token of Figma"),
    token("PMAK-", Letters::Url, 30, "key of Postman"),
    token("NRAK-", Letters::Plain, 20, "key of New Relic"),
    token("dapi", Letters::Plain, 32, "token of Databricks"),
    token("sntrys_", Letters::Dotted, 30, "token of Sentry"),
    token("tskey-", Letters::Url, 20, "key of Tailscale"),
    token("ATATT", Letters::Url, 30, "token of Atlassian"),
    token("age-secret-key-", Letters::Plain, 30, "key of age"),
    token("AGE-SECRET-KEY-", Letters::Plain, 30, "key of age"),
    token("eyJ", Letters::Dotted, 20, "JSON web token"),
];

/// How surely a name says that a secret follows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sure {
    /// Whatever follows is one.
    Always,
    /// Only what looks random is: `token=` stands before words of programs as well.
    IfRandom,
}

/// Parts of names that stand before a secret, in lower case, without `-` and `_`.
pub(super) const NAMES: &[(&str, Sure)] = &[
    ("password", Sure::Always),
    ("passwd", Sure::Always),
    ("passphrase", Sure::Always),
    ("pwd", Sure::IfRandom),
    ("pass", Sure::IfRandom),
    ("clientsecret", Sure::Always),
    ("secretkey", Sure::Always),
    ("secretaccesskey", Sure::Always),
    ("privatekey", Sure::Always),
    ("apikey", Sure::Always),
    ("accesstoken", Sure::Always),
    ("authtoken", Sure::Always),
    ("refreshtoken", Sure::Always),
    ("secret", Sure::IfRandom),
    ("token", Sure::IfRandom),
    ("accesskey", Sure::IfRandom),
    ("credential", Sure::IfRandom),
    ("signature", Sure::IfRandom),
    ("sig", Sure::IfRandom),
    ("auth", Sure::IfRandom),
    ("key", Sure::IfRandom),
    ("cookie", Sure::IfRandom),
    ("session", Sure::IfRandom),
];

/// Headers of which the whole value is a secret, in lower case.
pub(super) const HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-auth-token",
    "x-amz-security-token",
    "private-token",
    "job-token",
    "api-key",
];

/// Options before a name and a password, joined by a colon, in one word.
pub(super) const PAIR_OPTIONS: &[&str] = &["-u", "--user", "-U", "--proxy-user"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_what_they_need_and_the_longest_beginning_comes_first() {
        for (at, row) in TOKENS.iter().enumerate() {
            assert!(row.prefix.len() > 2 && row.least >= 10 && !row.what.is_empty(), "{}", row.prefix);
            let hidden = TOKENS[..at].iter().find(|before| row.prefix.starts_with(before.prefix));
            assert!(hidden.is_none(), "{} stands behind {}", row.prefix, hidden.unwrap().prefix);
        }
        for (name, _) in NAMES {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        }
    }
}
