;; Notes as many attributes as it can, and traps if there is no end to that.
(import "tollgate:plugin/attributes@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (local $left i32)
  (local.set $left (i32.const 10000))
  (loop $more
    (i32.store (i32.const 512) (i32.add (i32.const 0x20202020) (i32.and (local.get $left) (i32.const 0x3f))))
    (i32.store (i32.const 516) (i32.add (i32.const 0x20202020) (i32.and (i32.shr_u (local.get $left) (i32.const 6)) (i32.const 0x3f))))
    (call $set (i32.const 512) (i32.const 5) (i32.const 512) (i32.const 5) (i32.const 1024))
    (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 128))))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $more (local.get $left)))
  (unreachable))
