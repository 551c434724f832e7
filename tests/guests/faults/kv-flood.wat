;; Keeps a megabyte under each of a thousand keys, and traps if there is no end to that.
(import "tollgate:plugin/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32 i32)))
(memory $memory (export "memory") 20)
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (local $left i32)
  (local.set $left (i32.const 1000))
  (loop $more
    (i32.store8 (i32.const 512) (i32.add (i32.const 0x20) (i32.and (local.get $left) (i32.const 0x1f))))
    (i32.store8 (i32.const 513) (i32.add (i32.const 0x20) (i32.shr_u (local.get $left) (i32.const 5))))
    (call $set (i32.const 512) (i32.const 2) (i32.const 65536) (i32.const 1000000) (i32.const 0) (i32.const 1024))
    (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 128))))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $more (local.get $left)))
  (unreachable))
