Feature: An employee reads what originates from an episode of their own legal entity

  Background:
    Given episode "O" of patient "P" with managing_organization "my legal entity"

  Scenario Outline: known of the record
    Given <type> "R" of patient "P" with origin_episode "O"
    When I ask to read <type> "R" in patient "P"
    Then it is permitted by rule_6

    Examples:
      | type |
      | diagnostic_report |
      | encounter |
      | procedure |

  Scenario: named by the search
    When I ask to read every diagnostic_report in patient "P" in origin_episode "O"
    Then it is permitted by rule_6

  Scenario: not from an episode of another legal entity
    Given episode "F" of patient "P" with managing_organization "another clinic"
    And procedure "R" of patient "P" with origin_episode "F"
    When I ask to read procedure "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not what originates from elsewhere, whatever the request claims
    Given procedure "R" of patient "P" with origin_episode "F"
    When I ask to read procedure "R" in patient "P" in origin_episode "O"
    Then it is refused as malformed_context

  Scenario: not what the rule does not list
    Given observation "R" of patient "P" with origin_episode "O"
    When I ask to read observation "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    Given procedure "R" of patient "P" with origin_episode "O"
    When I ask to <action> procedure "R" in patient "P"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
