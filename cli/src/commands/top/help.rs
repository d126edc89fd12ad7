//! The page that the question mark opens.

pub const TEXT: &str = "
  up down pgup pgdn home end   choose an object (also j k g G)
  enter                        all about it; esc goes back
  s S, left right              sort by another column; r turns the order round
  /                            only what has this in its name, kind or programs
  space                        pause, and go on
  ?  h    q  ctrl-c    ctrl-z  this page; quit; suspend

  STATE     the value of a semaphore; messages in a queue, and how many may be;
            values of a System V set
  IN/s      messages sent each second; OUT/s: received; of a set IN/s has its
            changes; of a semaphore both are unknown: nobody counts its posts
  WAIT      threads that sleep in it; ! marks a deadlock: `rsipc graph` names it
  OPEN      processes that have it open or mapped
  ACTIVITY  in and out, a second a character, each object on its own scale
  ?         unknown: nobody counts it, or it belongs to others; root sees more

  A queue counts its messages and a set its changes: these rates are exact.
  A System V queue counts waits as messages that came: ~ marks the estimate.
  Nothing here changes an object: no message is received, and no value is decremented.";

#[cfg(test)]
mod tests {
    use super::TEXT;

    #[test]
    fn it_fits_on_a_small_terminal() {
        assert!(TEXT.lines().count() <= 21, "three lines are around it");
        assert!(TEXT.lines().all(|line| line.len() <= 80));
    }
}
