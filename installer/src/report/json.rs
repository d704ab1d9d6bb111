//! Events as newline-delimited JSON.

use super::{Show, json_line};
use crate::event::Event;

pub(super) struct Json;

impl Show for Json {
    fn event(&mut self, event: &Event) {
        json_line(event);
    }
}
