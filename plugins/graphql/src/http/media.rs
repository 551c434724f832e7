//! The media type of the answer, from the client's `accept` (RFC 9110 section 12.5.1).

/// What an answer is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`: 200 for whatever was understood as GraphQL, as old clients expect.
    Json,
    /// `application/graphql-response+json`: the status tells what became of the operation.
    GraphqlResponse,
}

/// What a client may write, and how exactly it says so.
const RANGES: [(&str, Media, u8); 4] = [
    ("application/graphql-response+json", Media::GraphqlResponse, 2),
    ("application/json", Media::Json, 2),
    ("application/*", Media::Json, 1),
    ("*/*", Media::Json, 0),
];

impl Media {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// What the client likes best; none if it takes neither.
    pub(crate) fn accepted(accept: &[String]) -> Option<Self> {
        if accept.is_empty() {
            return Some(Self::Json);
        }
        let mut best: Option<(f32, u8, Self)> = None;
        for range in accept.iter().flat_map(|line| line.split(',')) {
            let name = range.split(';').next().unwrap_or_default().trim();
            let Some((_, media, exact)) = RANGES.iter().find(|(range, ..)| name.eq_ignore_ascii_case(range)) else {
                continue;
            };
            let weight = quality(range);
            let better = best.is_none_or(|(most, kind, _)| (weight, *exact) > (most, kind));
            if weight > 0.0 && better {
                best = Some((weight, *exact, *media));
            }
        }
        best.map(|(_, _, media)| media)
    }
}

fn quality(range: &str) -> f32 {
    let parameters = range.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
    let mut q = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    q.next().map_or(1.0, |(_, value)| value.trim().parse().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_gets_what_it_likes_best() {
        let accepted = |text: &str| Media::accepted(&[text.to_owned()]);
        let (json, response) = (Some(Media::Json), Some(Media::GraphqlResponse));
        assert_eq!(Media::accepted(&[]), json);
        assert_eq!(accepted("*/*"), json);
        assert_eq!(accepted("application/json"), json);
        assert_eq!(accepted("application/graphql-response+json; charset=utf-8, application/json"), response);
        assert_eq!(accepted("application/json;q=0.5, application/graphql-response+json;q=0.4"), json);
        assert_eq!(accepted("*/*, application/graphql-response+json"), response);
        assert_eq!(accepted("text/html, application/xhtml+xml"), None);
        assert_eq!(accepted("application/json;q=0"), None);
    }
}
