;; Takes memory until it gets no more, and writes to all of it.
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (local $at i32)
  (loop $more
    (local.set $at (memory.grow (i32.const 16)))
    (if (i32.eq (local.get $at) (i32.const -1)) (then (unreachable)))
    (memory.fill (i32.mul (local.get $at) (i32.const 65536)) (i32.const 1) (i32.const 1048576))
    (br $more))
  (unreachable))
