//! The catalog's specification as one suite: each case runs on SQLite and on PostgreSQL.
//!
//! `BASALT_TEST_POSTGRES` names the PostgreSQL server; without it those tests fail, they are not skipped.

mod access;
mod acknowledgement;
mod alert;
mod annotation;
mod client;
mod command;
mod configuration;
mod delivery;
mod device;
mod device_state;
mod document;
mod durability;
mod event;
mod export;
mod firmware;
mod fixtures;
mod follower;
mod follower_pin;
mod follower_reload;
mod follower_rows;
mod follower_waits;
mod grant;
mod group;
mod identity;
mod inventory;
mod job;
mod key;
mod media;
mod mirror_version;
mod model;
mod mqtt;
mod node;
mod org;
mod pack;
mod policy;
mod quarantine;
mod quota;
mod random_changes;
mod registration;
mod stream;

macro_rules! suite {
    ($($noun:ident: $($case:ident),+;)+) => {
        mod on_sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$noun::$case(super::fixtures::TestDatabase::sqlite()).await;
                }
            )+)+
        }

        mod on_postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let place = super::fixtures::TestDatabase::postgres().await;
                    super::$noun::$case(place.clone()).await;
                    place.drop_database().await;
                }
            )+)+
        }
    };
}

suite! {
    acknowledgement:
        many_events_are_acknowledged_or_none,
        preferences_are_of_one_user_and_go_with_it;
    alert:
        a_rule_comes_back_as_it_was_given,
        a_rule_takes_texts_whatever_they_hold_and_its_stream_keeps_a_type_that_it_compares,
        a_rule_that_is_moved_is_not_silenced_by_its_open_alert,
        an_alert_and_the_progress_of_its_rule_are_one,
        alerts_stay_when_their_rule_goes,
        a_rule_on_a_device_is_seen_and_goes_with_it,
        alerts_that_were_not_raised_are_counted_with_their_rule,
        the_position_of_the_evaluation_is_replaced;
    mqtt:
        what_mqtt_remembers_is_back_after_a_restart_and_goes_with_its_device;
    node:
        a_node_runs_as_long_as_it_renews_its_entry,
        a_silent_node_is_forgotten_after_a_day_or_with_its_url,
        nodes_are_for_the_operator;
    org:
        the_default_organization_is_made_once,
        only_the_administrator_manages_organizations_and_users,
        organizations_and_users_say_what_is_wrong,
        a_user_belongs_to_one_organization_and_is_found_from_any;
    key:
        a_key_is_found_by_its_prefix_until_and_after_it_is_revoked,
        an_expired_key_is_not_valid,
        a_key_limited_to_a_dashboard_sees_no_other_document,
        a_key_says_what_is_wrong,
        nobody_grants_more_than_they_hold,
        keys_are_seen_by_their_organization_only,
        uses_are_kept_in_memory_until_saved;
    command:
        a_command_is_answered_once_and_outlives_a_restart,
        a_command_ends_by_its_time,
        commands_are_bounded_and_of_one_organization;
    configuration:
        a_configuration_and_its_reports_outlive_a_restart,
        a_binding_goes_with_its_target,
        a_configuration_is_of_one_organization,
        objects_are_bounded_and_go_when_nothing_refers_to_them;
    job:
        a_job_goes_through_its_states_and_outlives_a_restart,
        a_job_is_seen_with_its_subject,
        an_export_is_one_with_its_job,
        an_import_ends_with_its_report_or_without_one,
        jobs_are_bounded;
    device:
        a_device_comes_back_as_it_was_given,
        a_device_says_everything_that_is_wrong_at_once,
        names_are_trimmed_and_unique_in_one_organization,
        devices_are_filtered_and_paged_by_id,
        devices_of_another_organization_do_not_exist,
        a_restricted_key_sees_its_devices_and_changes_only_those,
        a_device_is_visible_restricted_or_absent,
        deleting_a_device_takes_its_streams_and_leaves_its_events,
        no_more_devices_are_made_than_allowed;
    delivery:
        a_delivery_is_due_until_it_was_made_and_outlives_a_restart,
        a_channel_that_goes_leaves_its_rules_and_its_log,
        the_end_of_an_alert_is_told_where_the_alert_was_and_after_it;
    document:
        a_document_comes_back_as_it_was_given,
        documents_are_created_all_or_none,
        documents_are_seen_by_their_organization_and_with_their_device,
        what_a_document_names_is_seen_by_those_who_see_it,
        the_passwords_of_a_camera_are_kept_and_not_shown,
        documents_are_bounded,
        a_place_in_the_topology_lasts_and_is_changed_with_the_device,
        an_organization_is_found_by_its_uuid;
    firmware:
        a_firmware_and_its_object_come_and_go_together,
        plans_and_counts_are_of_one_organization_and_outlive_a_restart;
    annotation:
        an_annotation_comes_back_as_it_was_given,
        an_organization_has_no_more_annotations_than_it_may,
        annotations_are_found_by_the_time_they_overlap,
        an_annotation_goes_with_what_it_is_about,
        annotations_are_seen_with_what_they_are_about,
        a_reference_pair_goes_with_either_component;
    media:
        a_capture_follows_its_states_and_outlives_a_restart,
        a_user_has_one_open_live_session_of_a_camera,
        media_are_seen_with_the_device_and_go_with_the_camera;
    pack:
        a_pack_is_installed_whole_or_not_at_all,
        an_installed_pack_is_repeated_but_not_changed,
        a_profile_goes_with_the_last_pack_that_has_it,
        classes_are_shared_and_dashboards_are_not,
        packs_are_of_one_organization,
        of_concurrent_installations_one_is_made;
    stream:
        a_stream_comes_back_as_it_was_given,
        a_stream_says_what_is_wrong,
        a_stream_cannot_move_to_another_device,
        streams_of_another_organization_do_not_exist,
        a_restricted_key_sees_and_changes_its_streams,
        streams_are_filtered_and_paged_by_id,
        a_write_finds_what_it_must_know;
    identity:
        a_device_is_found_by_each_of_its_aliases,
        a_channel_is_never_used_again,
        a_pin_is_the_channel_unless_another_stream_has_it,
        every_organization_has_a_default_product,
        a_product_goes_and_its_devices_stay,
        variants_of_a_product_have_one_root,
        no_device_is_below_itself,
        a_gateway_goes_with_everything_below_it,
        a_certificate_replaces_the_one_before_and_goes_with_its_device,
        an_owner_is_a_user_of_the_organization,
        an_inventory_names_products_gateways_and_pins;
    registration:
        a_token_is_used_once_however_concurrently,
        a_token_ends_by_its_time_or_by_another,
        a_name_is_registered_again_without_a_valid_certificate_only,
        revoking_a_certificate_withdraws_unused_tokens,
        tokens_are_of_one_organization;
    client:
        a_client_is_found_by_its_id_in_its_api,
        a_client_says_what_is_wrong,
        tokens_survive_a_restart_and_end_with_what_they_stand_on,
        a_refresh_token_is_used_once_however_concurrently;
    group:
        a_group_says_what_is_wrong,
        membership_is_replaced_as_a_whole,
        a_group_is_made_with_its_members_or_not_at_all,
        deleting_a_group_leaves_its_streams,
        groups_of_another_organization_do_not_exist,
        a_restricted_key_changes_no_group;
    inventory:
        an_inventory_is_put_whole_or_not_at_all,
        who_sees_a_part_puts_nothing;
    event:
        an_event_comes_back_as_it_was_given,
        an_event_says_what_is_wrong,
        events_are_filtered_ordered_and_paged,
        events_of_another_organization_do_not_exist,
        a_restricted_key_sees_events_of_its_own,
        an_event_does_not_tell_ids_that_are_not_seen,
        followers_are_behind_only_by_events_of_their_organization;
    export:
        an_export_goes_through_its_states_and_outlives_a_restart,
        an_export_whose_file_is_lost_expires,
        an_export_is_of_what_its_requester_sees,
        exports_are_bounded;
    quota:
        an_organization_has_no_more_rows_than_it_may,
        a_model_makes_no_device_or_stream_past_the_limits,
        what_an_organization_takes_in_memory_is_bounded,
        objects_are_bounded_and_longer_ones_stay_readable,
        long_events_come_few_at_a_time;
    device_state:
        state_changes_are_read_with_the_one_before,
        open_states_end_at_the_last_heartbeat,
        state_changes_are_isolated_purged_and_deleted;
    quarantine:
        quarantined_readings_are_filtered_paged_and_outlive_a_restart,
        quarantine_is_of_one_organization_and_goes_with_its_device,
        the_oldest_in_quarantine_make_room;
    grant:
        a_grant_is_redeemed_once_however_often_and_concurrently;
    policy:
        a_policy_is_made_replaced_and_removed,
        policies_of_another_organization_do_not_exist,
        a_restricted_key_sets_policies_of_its_streams_only,
        policies_go_with_their_stream,
        a_floor_is_remembered_and_never_goes_back,
        what_is_deleted_keeps_no_rows,
        what_is_kept_follows_policies_and_the_clock;
    model:
        an_upload_makes_what_is_missing_or_nothing,
        versions_come_back_and_the_oldest_go,
        a_model_goes_with_its_stream_and_without_it,
        models_of_another_organization_do_not_exist,
        a_model_tells_no_source_that_is_not_seen,
        the_metadata_of_an_ai_device_tells_no_source_that_is_not_seen,
        no_model_is_fed_with_its_own_scores,
        progress_and_its_event_are_one;
    access:
        a_session_lasts_over_a_restart_until_its_time_is_over,
        a_session_ends_with_what_it_stands_on,
        the_oldest_of_too_many_sessions_ends,
        people_are_changed_in_their_organization_only,
        superusers_manage_the_others_of_their_organization,
        a_change_and_its_row_of_the_audit_log_are_one,
        refusals_are_counted_and_written_before_anybody_reads,
        the_audit_log_is_of_one_organization;
    durability:
        opening_again_migrates_nothing_and_reads_everything,
        ids_are_never_used_again,
        concurrent_changes_of_one_row_lose_nothing,
        of_concurrent_namesakes_one_is_made,
        a_change_is_finished_when_its_caller_goes_away,
        a_name_taken_behind_the_mirror_is_the_same_error,
        a_row_deleted_behind_the_mirror_is_a_conflict,
        a_database_that_fails_is_unavailable;
}
