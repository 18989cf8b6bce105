Feature: A patient reads their own data

  Background:
    Given a Cabinet token of patient "P"

  Scenario Outline: all that the rule lists
    When I ask to read <type> "R" in patient "P"
    Then it is permitted by rule_0

    Examples:
      | type |
      | episode |
      | encounter |
      | observation |
      | condition |
      | service_request |
      | diagnostic_report |
      | procedure |
      | medication_administration |
      | care_plan |
      | activity |
      | allergy_intolerance |
      | immunization |
      | risk_assessment |
      | device |
      | medication_statement |

  Scenario: a whole list
    When I ask to read every encounter in patient "P"
    Then it is permitted by rule_0

  Scenario: known to be theirs
    Given encounter "E" of patient "P"
    When I ask to read encounter "E"
    Then it is permitted by rule_0

  Scenario Outline: not prescriptions
    When I ask to read <type> "R" in patient "P"
    Then it is refused as no_rule_matched

    Examples:
      | type |
      | medication_request |
      | medication_dispense |

  Scenario: not another patient's data
    When I ask to read encounter "E" in patient "Q"
    Then it is refused as no_rule_matched

  Scenario: not another patient's record in their own name
    Given encounter "E" of patient "Q"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as malformed_context

  Scenario: not the data of a person merged with them
    Given person "Q" is merged with patient "P"
    And encounter "E" of patient "Q"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not by a token that the Cabinet did not give
    Given a token of client type PIS
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not without saying whose data
    When I ask to read encounter "E"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    When I ask to <action> encounter "E" in patient "P"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
