//! Whose an object is.

use serde::Serialize;

use crate::output::user;

#[derive(Serialize)]
pub struct Owner {
    uid: u32,
    gid: u32,
    user: Option<String>,
    group: Option<String>,
}

impl Owner {
    pub fn of((uid, gid): (u32, u32)) -> Self {
        Self { uid, gid, user: user::user(uid), group: user::group(gid) }
    }
}
