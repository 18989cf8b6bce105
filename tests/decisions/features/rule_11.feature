Feature: An employee reads a care plan that was made in their own legal entity

  Background:
    Given care_plan "C" of patient "P" with managing_organization "my legal entity"

  Scenario: the plan itself
    When I ask to read care_plan "C" in patient "P"
    Then it is permitted by rule_11

  Scenario: its activities
    When I ask to read every activity in patient "P" in care_plan "C"
    Then it is permitted by rule_11

  Scenario: one activity, known of the record
    Given activity "A" of patient "P" with care_plan "C"
    When I ask to read activity "A" in patient "P"
    Then it is permitted by rule_11

  Scenario: not a plan made elsewhere
    Given care_plan "D" of patient "P" with managing_organization "another clinic"
    When I ask to read care_plan "D" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not a list of all plans
    When I ask to read every care_plan in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not what the rule does not list
    When I ask to read every medication_request in patient "P" in care_plan "C"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    When I ask to <action> care_plan "C" in patient "P"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
