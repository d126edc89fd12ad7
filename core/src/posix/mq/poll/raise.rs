//! What makes a queue readable or writable for poll(2), before the message or the space is there: a
//! thread that is killed in between has not left a poller asleep.

use crate::os::errno::preserved;
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::poll::fifo::Channel;
use crate::posix::mq::poll::readiness::Pollers;

impl Use<'_> {
    /// Before a message is committed, while its slot is claimed, if the queue is polled. Whether
    /// that has told of it.
    #[cold]
    pub fn raise_message(&self, pollers: Pollers) -> bool {
        pollers.are(Pollers::MESSAGE)
            && preserved(|| self.queue.layout.readiness().raise_message(&self.channel()))
    }

    /// Before a slot becomes free, while it is claimed, if the queue is polled. Whether that has
    /// told of it.
    #[cold]
    pub fn raise_space(&self, pollers: Pollers) -> bool {
        pollers.are(Pollers::SPACE)
            && preserved(|| self.queue.layout.readiness().raise_space(&self.channel()))
    }

    /// The way to the FIFO.
    pub(in crate::posix::mq) fn channel(&self) -> Channel<'_> {
        Channel::new(&self.queue.polling.own, self.fd, self.queue.fifo)
    }
}
