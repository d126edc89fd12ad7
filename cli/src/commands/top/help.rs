//! The page that the question mark opens.

pub const TEXT: &str = "
  up down pgup pgdn home end   choose an object (also j k g G)
  enter                        show all about it; esc goes back
  s S, left right              sort by another column; r reverses the order
  /                            filter by a part of a name, a kind or a program
  space                        pause or continue
  ?  h    q  ctrl-c    ctrl-z  this page; quit; suspend

  STATE     a semaphore: its value; a queue: its messages and its capacity;
            a System V set: its values
  IN/s      messages sent each second, OUT/s: received; a set: its changes;
            a semaphore does not count its posts, so both are unknown
  WAIT      threads that sleep in it; ! marks a deadlock: `rsipc graph` names it
  OPEN      processes that have it open or mapped
  ACTIVITY  in and out, a second for each character, on a scale of its own
  ?         unknown: not counted, or owned by another user; root sees more

  A queue counts its messages and a set its changes: these rates are exact.
  A System V queue counts waits as messages that were sent: ~ is an estimate.
  Nothing here changes an object: it receives no message and lowers no value.";

#[cfg(test)]
mod tests {
    use super::TEXT;

    #[test]
    fn it_fits_on_a_small_terminal() {
        assert!(TEXT.lines().count() <= 21, "three lines are around it");
        assert!(TEXT.lines().all(|line| line.len() <= 80));
    }
}
