;; Asks for one field 300 times in one call.
(import "tollgate:plugin/request@0.1.0" "header-many" (func $header-many (param i32 i32 i32)))
(memory $memory (export "memory") 2)
(data (i32.const 512) "cookie")
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (local $at i32)
  (local.set $at (i32.const 65536))
  (loop $more
    (i32.store (local.get $at) (i32.const 512))
    (i32.store offset=4 (local.get $at) (i32.const 6))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $more (i32.lt_u (local.get $at) (i32.const 67936))))
  (call $header-many (i32.const 65536) (i32.const 300) (i32.const 256))
  (i32.const 128))
