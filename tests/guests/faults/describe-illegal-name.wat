;; Gives itself a name that is none.
;; name: Bad Name
