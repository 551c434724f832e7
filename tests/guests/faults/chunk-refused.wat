;; Refuses each body it is shown.
;; world: include tollgate:plugin/body-plugin@0.1.0;
(data (i32.const 600) "no")
(func (export "tollgate:plugin/body-filter@0.1.0#on-request-chunk") (param i32 i32 i32) (result i32)
  (i32.store8 (i32.const 256) (i32.const 3))
  (i32.store (i32.const 260) (i32.const 600))
  (i32.store (i32.const 264) (i32.const 2))
  (i32.const 256))
(func (export "tollgate:plugin/body-filter@0.1.0#on-response-chunk") (param i32 i32 i32) (result i32) (i32.const 128))
