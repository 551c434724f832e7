//! Where the parts go, taken together: what one makes, another one may want or overwrite.

use tollgate_plugin_sdk::mistakes::At;

use crate::part::{Part, Place};
use crate::path::Path;

/// `None` where something is wrong.
pub(crate) fn check(parts: &[Part], partial_member: Option<&str>, mistakes: &At<'_>) -> Option<()> {
    let is_free = partial_member.is_none_or(|member| is_free(parts, member, &mistakes.of("partial_member")));
    let mut are_joined = true;
    for (index, part) in parts.iter().enumerate() {
        if let Place::Joined(join) = &part.place
            && !made(parts).any(|(_, place)| join.to().is_at_or_in(place))
        {
            let to = join.to();
            mistakes
                .of("parts")
                .at(index)
                .of("join")
                .of("to")
                .add(format_args!("no part makes `{to}`, or what it is in"));
            are_joined = false;
        }
    }
    (is_free && are_joined).then_some(())
}

fn is_free(parts: &[Part], member: &str, mistakes: &At<'_>) -> bool {
    let taken = made(parts).find(|(_, place)| place.first() == Some(member));
    if let Some((part, _)) = taken {
        mistakes.add(format_args!("`{member}` is the member that parts[{part}] makes"));
    }
    taken.is_none()
}

/// The places of parts, by their numbers.
fn made(parts: &[Part]) -> impl Iterator<Item = (usize, &Path)> {
    parts.iter().enumerate().filter_map(|(index, part)| match &part.place {
        Place::At { path, .. } => Some((index, path)),
        Place::Joined(_) | Place::Hidden => None,
    })
}
