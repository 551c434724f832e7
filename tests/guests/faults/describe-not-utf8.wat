;; Has a name that is no UTF-8.
(data (i32.const 600) "\ff\fe")
(func (export "tollgate:plugin/lifecycle@0.1.0#describe") (result i32)
  (i32.store (i32.const 64) (i32.const 600))
  (i32.store (i32.const 68) (i32.const 2))
  (i32.const 64))
