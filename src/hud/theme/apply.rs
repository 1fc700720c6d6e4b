//! Tokens to egui style.

use bevy::prelude::*;
use bevy_egui::EguiContext;
use bevy_egui::egui::style::{ScrollAnimation, ScrollStyle, WidgetVisuals, Widgets};
use bevy_egui::egui::{self, Color32, CornerRadius, Margin, Stroke, vec2};

use super::tokens::{self, Palette};
use super::{Theme, fonts};
use crate::hud::prefs::{Motions, Preferences};

/// Styles each new context, and every context when the theme changes.
pub fn apply(theme: Res<'_, Theme>, preferences: Res<'_, Preferences>, mut contexts: Query<'_, '_, &mut EguiContext>) {
    for mut context in &mut contexts {
        if context.is_added() {
            let context = context.get_mut();
            context.set_fonts(fonts::definitions());
            // Ours is saved with the other preferences.
            context.options_mut(|options| options.zoom_with_keyboard = false);
        }
        if context.is_added() || theme.is_changed() || preferences.is_changed() {
            let context = context.get_mut();
            context.set_theme(egui::Theme::Dark);
            context.data_mut(|data| {
                data.insert_temp(super::palette_id(), theme.palette);
                data.insert_temp(super::hit_id(), theme.hit);
            });
            context.all_styles_mut(|style| {
                restyle(style, &theme.palette);
                style.spacing.interact_size.y = theme.hit;
                if preferences.motions == Motions::Reduced {
                    style.animation_time = 0.0;
                    style.scroll_animation = ScrollAnimation::none();
                }
            });
        }
    }
}

/// Makes an egui style ours: square, mono, on the four-point step.
pub fn restyle(style: &mut egui::Style, palette: &Palette) {
    style.text_styles = fonts::text_styles().collect();
    style.animation_time = tokens::WIDGET_FADE.as_secs_f32();
    style.scroll_animation = ScrollAnimation::default();
    style.interaction.tooltip_delay = tokens::TOOLTIP_DELAY.as_secs_f32();
    // A drag on a label moves the pane; what is worth copying has a button for it.
    style.interaction.selectable_labels = false;

    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(2.0 * tokens::STEP, tokens::GAP);
    spacing.button_padding = vec2(tokens::ROW_PADDING, tokens::STEP);
    spacing.interact_size.y = tokens::ROW;
    spacing.window_margin = Margin::same(tokens::PANE_PADDING);
    spacing.menu_margin = Margin::same(tokens::STEP as i8);
    // A bar is seen wherever there is more than fits.
    spacing.scroll = ScrollStyle { dormant_handle_opacity: tokens::SCROLL_HANDLE, bar_width: tokens::GAP, ..ScrollStyle::floating() };

    let visuals = &mut style.visuals;
    // What cannot be pressed now is told by its own colours, which can be read.
    visuals.disabled_alpha = 1.0;
    visuals.widgets = widgets(palette);
    visuals.selection.bg_fill = palette.surface_3;
    visuals.selection.stroke = Stroke::new(tokens::HAIRLINE, palette.text_high);
    visuals.weak_text_color = Some(palette.text_low);
    visuals.hyperlink_color = palette.info;
    visuals.warn_fg_color = palette.warn;
    visuals.error_fg_color = palette.error;
    visuals.faint_bg_color = palette.surface_1;
    visuals.extreme_bg_color = palette.ground;
    visuals.code_bg_color = palette.surface_2;
    visuals.panel_fill = Color32::TRANSPARENT;
    visuals.window_fill = palette.surface_0;
    visuals.window_stroke = Stroke::new(tokens::HAIRLINE, palette.border_quiet);
    visuals.window_corner_radius = CornerRadius::ZERO;
    visuals.menu_corner_radius = CornerRadius::ZERO;
    visuals.text_cursor.stroke = Stroke::new(tokens::FOCUS_RING, palette.focus);
    // A blinking cursor would draw frames for as long as a field has focus.
    visuals.text_cursor.blink = false;
}

fn widgets(palette: &Palette) -> Widgets {
    let look = |fill: Color32, border: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(tokens::HAIRLINE, border),
        corner_radius: CornerRadius::ZERO,
        fg_stroke: Stroke::new(tokens::HAIRLINE, text),
        expansion: 0.0,
    };
    Widgets {
        noninteractive: look(palette.surface_2, palette.border_quiet, palette.text_mid),
        inactive: look(palette.surface_2, palette.border_quiet, palette.text_high),
        hovered: look(palette.surface_3, palette.border_strong, palette.text_high),
        active: look(palette.slot_active, palette.border_strong, palette.text_high),
        open: look(palette.surface_3, palette.border_strong, palette.text_high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hud::action::UserAction;
    use crate::hud::testing::Hud;

    #[test]
    fn whoever_has_reduced_motion_and_takes_it_back_scrolls_as_before() {
        let mut hud = Hud::new();
        let mut wish = |motions| {
            hud.app.world_mut().write_message(UserAction::SetMotions(motions));
            hud.settle();
            let world = hud.app.world_mut();
            let context = world.query::<&mut EguiContext>().iter_mut(world).next().map(|mut context| context.get_mut().clone());
            context.map(|context| context.style_of(egui::Theme::Dark).scroll_animation)
        };
        assert_eq!(wish(Motions::Reduced), Some(ScrollAnimation::none()));
        assert_eq!(wish(Motions::Full), Some(ScrollAnimation::default()));
    }
}
