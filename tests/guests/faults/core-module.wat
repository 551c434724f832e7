;; Is a core module.
(module (func (export "on-request")))
