//! The media type of the answer, from the client's `accept` (RFC 9110 section 12.5.1).

/// What an answer is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`: 200 for whatever was understood as GraphQL, as old clients expect.
    Json,
    /// `application/graphql-response+json`: the status tells what became of the operation.
    GraphqlResponse,
}

impl Media {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// What the client likes best; none if it takes neither. What it says of both alike is in favour of JSON.
    pub(crate) fn accepted(accept: &[String]) -> Option<Self> {
        if accept.is_empty() {
            return Some(Self::Json);
        }
        let ranges: Vec<&str> = accept.iter().flat_map(|line| line.split(',')).collect();
        let mut best: Option<(Liked, Self)> = None;
        for media in [Self::Json, Self::GraphqlResponse] {
            let Some(liked) = media.liked(&ranges).filter(|liked| liked.weight > 0.0) else { continue };
            if best.as_ref().is_none_or(|(most, _)| liked.is_more_than(most)) {
                best = Some((liked, media));
            }
        }
        best.map(|(_, media)| media)
    }

    /// What the client says of it: the range that names it most exactly counts.
    fn liked(self, ranges: &[&str]) -> Option<Liked> {
        let mut found: Option<Liked> = None;
        for (place, range) in ranges.iter().enumerate() {
            let Some(exact) = self.is_named_by(range.split(';').next().unwrap_or_default().trim()) else { continue };
            if found.as_ref().is_none_or(|known| exact > known.exact) {
                found = Some(Liked { weight: quality(range), exact, place });
            }
        }
        found
    }

    /// How exactly, if at all.
    fn is_named_by(self, range: &str) -> Option<u8> {
        let own = self.name().split(';').next().unwrap_or_default();
        [(own, 2), ("application/*", 1), ("*/*", 0)]
            .into_iter()
            .find(|(name, _)| range.eq_ignore_ascii_case(name))
            .map(|(_, exact)| exact)
    }
}

/// What a client says of a media type.
struct Liked {
    weight: f32,
    exact: u8,
    /// Of the range that says it, among all of them.
    place: usize,
}

impl Liked {
    /// Of two that weigh the same, what is named more exactly, and then what is named first.
    fn is_more_than(&self, other: &Self) -> bool {
        let order = self.weight.total_cmp(&other.weight).then(self.exact.cmp(&other.exact));
        order.then(other.place.cmp(&self.place)).is_gt()
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

    #[test]
    fn what_says_most_exactly_what_is_meant_counts() {
        let accepted = |text: &str| Media::accepted(&[text.to_owned()]);
        let (json, response) = (Some(Media::Json), Some(Media::GraphqlResponse));
        assert_eq!(accepted("application/json;q=0, */*"), response);
        assert_eq!(accepted("*/*, application/json;q=0"), response);
        assert_eq!(accepted("application/*;q=0, */*"), None);
        assert_eq!(accepted("application/*;q=0, application/json;q=0.1"), json);
        assert_eq!(accepted("application/graphql-response+json;q=0.5, */*"), json);
        assert_eq!(accepted("application/json;q=0.2, application/*;q=0.5, */*;q=0.9"), response);
    }
}
