//! Every letter on whatever really lies behind it: 4.5:1 in the night theme, 7:1 in the other.

use std::collections::BTreeMap;

use bevy::prelude::*;
use bevy_egui::EguiPostUpdateSet;
use bevy_egui::egui::{Color32, Pos2, Rect, Shape};
use bevy_egui::{EguiFullOutput, egui};

use super::each_state;
use crate::hud::HudSystems;
use crate::hud::prefs::{Preferences, Read};
use crate::hud::testing::Hud;
use crate::hud::theme::{Look, tokens};
use crate::node::Market;

/// The shapes of the last frame.
#[derive(Resource, Default)]
struct Drawn(Vec<egui::epaint::ClippedShape>);

fn keep(outputs: Query<'_, '_, &EguiFullOutput>, mut drawn: ResMut<'_, Drawn>) {
    drawn.0 = outputs.iter().filter_map(|output| output.0.as_ref()).flat_map(|output| output.shapes.clone()).collect();
}

fn window(look: Look) -> Hud {
    let preferences = Preferences { look, ..Preferences::default() };
    let mut hud = Hud::build(Some(Market::Practice), Read { preferences, ..Read::default() });
    hud.app.init_resource::<Drawn>();
    hud.app
        .add_systems(PostUpdate, keep.after(EguiPostUpdateSet::EndPass).before(EguiPostUpdateSet::ProcessOutput).before(HudSystems::Act));
    hud.settle();
    hud
}

/// Something that hides what is behind it, as far as it is opaque.
struct Plate {
    place: Rect,
    fill: Color32,
}

/// A letter and the colours it is seen in.
struct Letter {
    at: Pos2,
    sign: char,
    ink: Color32,
    ground: Color32,
}

/// Walks what was drawn in the order it was drawn in.
fn letters(drawn: &Drawn, ground: Color32) -> Vec<Letter> {
    let (mut plates, mut found) = (Vec::new(), Vec::new());
    for shape in &drawn.0 {
        walk(&shape.shape, shape.clip_rect, ground, &mut plates, &mut found);
    }
    found
}

fn walk(shape: &Shape, clip: Rect, ground: Color32, plates: &mut Vec<Plate>, found: &mut Vec<Letter>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| walk(shape, clip, ground, plates, found)),
        Shape::Rect(rect) if rect.blur_width == 0.0 && rect.fill.a() > 0 => {
            plates.push(Plate { place: rect.rect.intersect(clip), fill: rect.fill });
        }
        Shape::Text(text) => {
            for row in &text.galley.rows {
                for glyph in row.row.glyphs.iter().filter(|glyph| !glyph.chr.is_whitespace()) {
                    let at = text.pos
                        + row.pos.to_vec2()
                        + glyph.pos.to_vec2()
                        + egui::vec2(glyph.advance_width / 2.0, -glyph.font_ascent / 3.0);
                    let Some(vertex) = row.row.visuals.mesh.vertices.get(glyph.first_vertex as usize) else { continue };
                    if !clip.contains(at) {
                        continue;
                    }
                    let own = if vertex.color == Color32::PLACEHOLDER { text.fallback_color } else { vertex.color };
                    let ink = text.override_text_color.unwrap_or(own).gamma_multiply(text.opacity_factor);
                    let ground =
                        plates.iter().filter(|plate| plate.place.contains(at)).fold(ground, |below, plate| below.blend(plate.fill));
                    found.push(Letter { at, sign: glyph.chr, ink: ground.blend(ink), ground });
                }
            }
        }
        _ => {}
    }
}

/// The worst letter of each pair of colours in a theme, and where it was seen.
fn worst(look: Look) -> BTreeMap<String, (f32, String)> {
    let ground = look.palette().ground;
    let mut pairs = BTreeMap::new();
    each_state(
        || window(look),
        |state, hud| {
            for letter in letters(hud.app.world().resource::<Drawn>(), ground) {
                let contrast = tokens::contrast(letter.ink, letter.ground);
                let place = format!("{:?} at {:?} in {state:?}", letter.sign, letter.at);
                pairs.entry(format!("{:?} on {:?}", letter.ink.to_array(), letter.ground.to_array())).or_insert((contrast, place));
            }
        },
    );
    pairs
}

fn assert_readable(look: Look, least: f32) {
    let pairs = worst(look);
    assert!(pairs.len() > 15, "only {} pairs of colours were seen", pairs.len());
    let bad: Vec<_> = pairs.iter().filter(|(_, (contrast, _))| *contrast < least).collect();
    assert!(bad.is_empty(), "{look:?} is to have {least}:1, and these have less: {bad:#?}");
}

#[test]
fn every_letter_that_is_drawn_can_be_read() {
    assert_readable(Look::Night, 4.5);
}

#[test]
fn every_letter_of_the_high_contrast_theme_has_seven_to_one() {
    assert_readable(Look::HighContrast, 7.0);
}

/// The walk sees what a letter really stands on: a plate that is too much like its letters is found.
#[test]
fn a_letter_on_a_plate_of_its_own_colour_would_be_found() {
    let mut hud = window(Look::Night);
    let mut drawn = std::mem::take(&mut *hud.app.world_mut().resource_mut::<Drawn>());
    let plate = Shape::rect_filled(Rect::EVERYTHING, 0.0, tokens::NIGHT.text_low);
    drawn.0.insert(0, egui::epaint::ClippedShape { clip_rect: Rect::EVERYTHING, shape: plate });
    let found = letters(&drawn, tokens::NIGHT.ground);
    assert!(found.len() > 100);
    drawn.0.retain(|shape| !matches!(shape.shape, Shape::Rect(_)) || shape.clip_rect == Rect::EVERYTHING);
    let found = letters(&drawn, tokens::NIGHT.ground);
    assert!(found.iter().any(|letter| tokens::contrast(letter.ink, letter.ground) < 4.5));
}
