//! The calls of the System V headers.
//!
//! | module | |
//! |---|---|
//! | `ipc_perm` | `<sys/ipc.h>`: its structure of permissions |
//! | `msg` | `<sys/msg.h>` |
//! | `msg_control` | the commands of `msgctl` |
//! | `msg_steps` | what C calls back of `msgsnd` and `msgrcv` |
//! | `sem` | `<sys/sem.h>` |
//! | `sem_control` | the commands of `semctl` |
//! | `shm` | `<sys/shm.h>` |
//! | `shm_control` | the commands of `shmctl` |

mod ipc_perm;
mod msg;
mod msg_control;
mod msg_steps;
mod sem;
mod sem_control;
mod shm;
mod shm_control;
