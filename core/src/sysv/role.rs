//! What a file in the directory of objects is to System V, by its name.

use super::family::Family;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The object of this family with this id.
    Object(Family, i32),
    /// One of the names of this key: a symbolic link to the file of an object.
    Key(Family, i32),
    /// The memory of the segment with this id.
    Memory(i32),
}

/// By the name of the file. `None`: it is nothing to System V.
pub fn role(file_name: &[u8]) -> Option<Role> {
    let of_family = |family: Family| {
        let object = family.id_in(file_name).map(|id| Role::Object(family, id));
        object.or_else(|| family.key_in(file_name).map(|key| Role::Key(family, key)))
    };
    let families = [Family::Semaphores, Family::Queues, Family::Memory];
    families.into_iter().find_map(of_family).or_else(|| {
        let id = Family::id_of_memory(file_name)?;
        Some(Role::Memory(id))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn files_by_their_names() {
        let name = |path: crate::sysv::family::Path| {
            path.as_path().file_name().unwrap().as_bytes().to_vec()
        };
        for family in [Family::Semaphores, Family::Queues, Family::Memory] {
            let id = family.id_path(7_654_321).unwrap();
            assert_eq!(role(&name(id)), Some(Role::Object(family, 7_654_321)));
            let key = family.key_path(-2, 3).unwrap();
            assert_eq!(role(&name(key)), Some(Role::Key(family, -2)));
        }
        let memory = Family::memory_path(7_654_321).unwrap();
        assert_eq!(role(&name(memory)), Some(Role::Memory(7_654_321)));
        for other in [&b"a.00000005.0"[..], b"5.0", b"sem.a", b"rsipc-svshm-memory.5"] {
            assert_eq!(role(other), None);
        }
    }
}
