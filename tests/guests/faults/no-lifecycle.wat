;; Has a hook and does not say what it is.
;; world: export tollgate:plugin/request-filter@0.1.0;
