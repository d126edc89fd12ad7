//! The exported names. rustc exports from a shared library only what is written in Rust, so each is
//! one jump to the C function that does the work: nothing of Rust is on the stack during the call,
//! in which the thread may be cancelled.

macro_rules! jumps {
    ($($name:ident $target:ident)+) => {
        $(
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name() {
                // Only its address is taken.
                unsafe extern "C" {
                    fn $target();
                }
                #[cfg(target_arch = "x86_64")]
                core::arch::naked_asm!("jmp {}", sym $target);
                #[cfg(target_arch = "aarch64")]
                core::arch::naked_asm!("b {}", sym $target);
            }
        )+
    };
}

jumps! {
    sem_init rsipc_watch_sem_init
    sem_destroy rsipc_watch_sem_destroy
    sem_open rsipc_watch_sem_open
    sem_close rsipc_watch_sem_close
    sem_unlink rsipc_watch_sem_unlink
    sem_post rsipc_watch_sem_post
    sem_trywait rsipc_watch_sem_trywait
    sem_getvalue rsipc_watch_sem_getvalue
    sem_wait rsipc_watch_sem_wait
    sem_timedwait rsipc_watch_sem_timedwait
    sem_clockwait rsipc_watch_sem_clockwait
    mq_open rsipc_watch_mq_open
    __mq_open_2 rsipc_watch_mq_open_2
    mq_close rsipc_watch_mq_close
    mq_unlink rsipc_watch_mq_unlink
    mq_getattr rsipc_watch_mq_getattr
    mq_setattr rsipc_watch_mq_setattr
    mq_notify rsipc_watch_mq_notify
    mq_send rsipc_watch_mq_send
    mq_timedsend rsipc_watch_mq_timedsend
    mq_receive rsipc_watch_mq_receive
    mq_timedreceive rsipc_watch_mq_timedreceive
    shm_open rsipc_watch_shm_open
    shm_unlink rsipc_watch_shm_unlink
    semget rsipc_watch_semget
    semop rsipc_watch_semop
    semtimedop rsipc_watch_semtimedop
    semctl rsipc_watch_semctl
    msgget rsipc_watch_msgget
    msgsnd rsipc_watch_msgsnd
    msgrcv rsipc_watch_msgrcv
    msgctl rsipc_watch_msgctl
    shmget rsipc_watch_shmget
    shmat rsipc_watch_shmat
    shmdt rsipc_watch_shmdt
    shmctl rsipc_watch_shmctl
    munmap rsipc_watch_munmap
}
