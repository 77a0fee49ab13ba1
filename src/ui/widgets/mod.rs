//! Parts that more than one panel uses, or that would bury a panel: plots, the map, image slots, choices.
//!
//! A widget knows neither `State` nor `Action`: it is given what it draws and returns what the person did, so that it can
//! be tested by itself. Panels turn replies into actions.

pub mod curve;
pub mod det_plot;
pub mod detector_row;
pub mod dialog;
pub mod face_picture;
pub mod figures;
pub mod image_slot;
pub mod job_bar;
pub mod neighbour_strip;
pub mod number_row;
pub mod operating_cost;
pub mod operating_rule;
pub mod param_form;
pub mod plot_frame;
pub mod projection;
pub mod roc_plot;
mod run_names;
pub mod scatter;
pub mod score_histogram;
pub mod segmented;
pub mod set_buttons;
pub mod sheet;
