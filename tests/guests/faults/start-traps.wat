;; Traps before it is asked anything.
(func $start (unreachable))
(start $start)
