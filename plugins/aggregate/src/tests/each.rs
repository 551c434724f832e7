//! One call for each item.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Value, json};
use tollgate_plugin_sdk::Answer;
use tollgate_plugin_sdk::http_client::{ClientError, Outbound};
use tollgate_plugin_sdk::testing::Host;

use super::{configure, field, respond, text};

/// Five orders; the product of the fourth is not to be had.
fn shop() -> Host {
    Host::new().on_call(|call: &Outbound| match call.path.as_str() {
        "/orders" => Ok(Answer::new(200).body(r#"{"items":[{"p":1},{"p":2},{"p":3},{"p":4},{"p":5}]}"#)),
        "/products/4" => Err(ClientError::Timeout),
        path => Ok(Answer::new(200).json(&json!({"path": path, "secret": 1}))),
    })
}

fn answer(mode: &Value, each: &Value) -> Answer {
    let mut products = json!({
        "name": "products", "upstream": "products", "path": "/products/{item.p}", "shape": {"pick": ["path"]}, "each": each,
    });
    for (key, value) in mode.as_object().unwrap() {
        products[key] = value.clone();
    }
    let orders = json!({"name": "orders", "upstream": "orders", "path": "/orders", "hide": true});
    respond(&configure(json!({"parts": [orders, products]})).unwrap())
}

fn each() -> Value {
    json!({"of": "{part:orders.items}", "concurrency": 2})
}

#[test]
fn the_answers_are_an_array_in_the_order_of_the_items_each_shaped() {
    let _host = shop();
    let answer = answer(&json!({"mode": "default", "default": {}}), &each());
    assert_eq!(
        text(&answer),
        r#"{"products":[{"path":"/products/1"},{"path":"/products/2"},{"path":"/products/3"},{},{"path":"/products/5"}]}"#
    );
}

#[test]
fn an_item_that_fails_is_left_out_or_is_the_end_of_it() {
    let _host = shop();
    let left = answer(&json!({"mode": "optional"}), &each());
    assert_eq!(text(&left).matches("path").count(), 4);
    assert_eq!(field(&left, "x-tollgate-partial"), Some("products"));
    assert_eq!(answer(&json!({}), &each()).status, 504);
}

#[test]
fn no_more_calls_are_under_way_than_may_be() {
    let (under_way, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let host = Rc::new(RefCell::new(None::<Host>));
    let (seen, inner, taken) = (Rc::clone(&most), Rc::clone(&host), Rc::clone(&under_way));
    let gateway = Host::new().on_call(move |call| {
        if call.path == "/orders" {
            return Ok(Answer::new(200).body("[1,2,3,4,5,6,7]"));
        }
        // Called so far, without the orders, less those that were answered.
        let called = inner.borrow().as_ref().map_or(0, |host| host.calls().len()) - 1;
        seen.set(seen.get().max(called - taken.get()));
        taken.set(taken.get() + 1);
        Ok(Answer::new(200).json(&1))
    });
    *host.borrow_mut() = Some(gateway);
    let parts = json!({"parts": [
        {"name": "orders", "upstream": "orders", "path": "/orders", "hide": true},
        {"name": "p", "upstream": "p", "path": "/{item}", "each": {"of": "{part:orders}", "concurrency": 3}},
    ]});
    assert_eq!(text(&respond(&configure(parts).unwrap())), r#"{"p":[1,1,1,1,1,1,1]}"#);
    assert_eq!((under_way.get(), most.get()), (7, 3));
}

#[test]
fn more_items_than_may_be_are_none() {
    let host = shop();
    let answer = answer(&json!({"mode": "optional"}), &json!({"of": "{part:orders.items}", "most": 4}));
    assert_eq!((text(&answer), field(&answer, "x-tollgate-partial")), ("{}", Some("products")));
    assert_eq!(host.calls().len(), 1);
    assert!(host.logs()[0].1.contains("5 items are more than `each.most`, 4"), "{:?}", host.logs());
}

#[test]
fn ten_thousand_items_that_cannot_be_called_cost_no_stack() {
    let items: Vec<Value> = (0..10_000).map(|_| json!({})).collect();
    let _host = Host::new().on_call(move |_| Ok(Answer::new(200).json(&json!({"items": items}))));
    let answer = answer(&json!({"mode": "optional"}), &json!({"of": "{part:orders.items}", "most": 10_000}));
    assert_eq!(text(&answer), r#"{"products":[]}"#);
}
