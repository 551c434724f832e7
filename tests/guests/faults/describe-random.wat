;; Says something else each time it is asked what it is: its name ends in a digit of chance.
(import "tollgate:plugin/random@0.1.0" "number" (func $number (result i64)))
(func (export "tollgate:plugin/lifecycle@0.1.0#describe") (result i32)
  (i32.store8 (i32.const 1028) (i32.add (i32.const 0x30) (i32.and (i32.wrap_i64 (call $number)) (i32.const 7))))
  (i32.const 64))
