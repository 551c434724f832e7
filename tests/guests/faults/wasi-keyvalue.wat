;; Wants a part of WASI that a plugin does not get.
(component (import "wasi:keyvalue/store@0.2.0-draft" (instance (export "open" (func)))))
